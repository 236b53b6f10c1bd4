// `npm run bench -- [--check] [--json FILE] [--only a,b] [--smoke]`: builds what is stale, installs the peers, measures.
import { existsSync } from 'node:fs';
import { run } from './run.mjs';

run('what is needed', ['node', 'scripts/setup.mjs', '--build']);
if (!existsSync('bench/node_modules')) {
  run('install the peers', ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: 'bench' });
}
run('measure', ['node', '--expose-gc', '--max-semi-space-size=64', 'bench/main.mjs', ...process.argv.slice(2)]);
