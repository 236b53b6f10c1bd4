// `npm run bench -- [--check] [--json FILE] [--only a,b] [--smoke] [--node 24]`, `--scale` for `npm run bench:scale`, `--redis` for `bench:redis`:
// builds what is stale, installs the peers, measures.
import { existsSync } from 'node:fs';
import { nodeOfMajor } from './other-node.mjs';
import { run } from './run.mjs';

const args = process.argv.slice(2);

/** Takes an option out of the arguments. */
function take(name, withValue) {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args.splice(at, withValue ? 2 : 1).at(-1);
}

const node = take('--node', true);
const isScale = take('--scale', false) !== undefined;
const isRedis = take('--redis', false) !== undefined;
const program = isScale ? 'bench/scale.mjs' : isRedis ? 'bench/redis.mjs' : 'bench/main.mjs';
run('what is needed', ['node', 'scripts/setup.mjs', '--build']);
if (!existsSync('bench/node_modules')) {
  run('install the peers', ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: 'bench' });
}
const binary = node === undefined ? process.execPath : nodeOfMajor(node);
run('measure', [binary, '--expose-gc', '--max-semi-space-size=64', program, ...args]);
