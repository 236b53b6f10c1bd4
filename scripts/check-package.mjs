// Packs the library as npm would publish it, and tries the tarball: what is in it, publint, are-the-types-wrong, both
// builds in one process, and two applications as `nest new` makes them, each with its default test, its own build and a real
// start: Nest 11 in CommonJS with Jest, Nest 12 in ES modules with Vitest. Then the lowest versions of Nest that are supported.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { elapsed, run } from './run.mjs';

const cache = resolve('.cache');
mkdirSync(cache, { recursive: true });
const packed = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', cache], { encoding: 'utf8' }));
const [{ filename, files }] = Array.isArray(packed) ? packed : Object.values(packed);
const tarball = join(cache, filename);

const strangers = files
  .map(({ path }) => path)
  .filter((path) => !/^(dist\/|docs\/|README\.md$|LICENSE$|CHANGELOG\.md$|package\.json$|schema\.json$|schematics\/)/.test(path));
if (strangers.length > 0) {
  console.error(`✗ the package holds more than dist, docs, the schema and the schematics: ${strangers.join(', ')}`);
  process.exit(1);
}
console.log(`▸ ${filename}: ${files.length} files`);

run('publint', ['publint', '--strict', tarball]);
// attw removes what it was given when it packs by itself; a tarball that it is handed stays.
run('are the types wrong?', ['attw', tarball]);

const answers = JSON.stringify({ answer: 'charged 5', up: 'ok', stock: '200 up forced-open', refused: 503, down: 503 });
const commonJs = install('nest11-cjs');
cpSync(resolve('test/consumers/dual.mjs'), join(commonJs, 'dual.mjs'));
run('both builds in one process', ['node', 'dual.mjs'], { cwd: commonJs });
tryOut('CommonJS Nest 11', commonJs, ['jest', '--silent=false'], answers);
// Terminus 12 has a status for an open circuit that is not critical, Terminus 11 has not.
tryOut('Nest 12 in ES modules', install('nest12-esm'), ['vitest', 'run'], answers.replace('200 up', '200 degraded'));
for (const name of ['nest11-lowest', 'nest12-lowest']) lowest(name);
console.log(`▸ the package is good (${elapsed()})`);

/** Runs a consumer's default test and its own build, boots it, and compares what it answers. */
function tryOut(title, cwd, test, expected) {
  run(`${title}: its default test`, ['npx', '--no-install', ...test], { cwd });
  run(`${title}: nest build`, ['npm', 'run', '--silent', 'build'], { cwd });
  const said = execFileSync('node', ['dist/main.js'], { cwd, encoding: 'utf8' }).trim();
  if (said !== expected) {
    console.error(`✗ ${title} answered ${said}, not ${expected}`);
    process.exit(1);
  }
  console.log(`▸ ${title}: ${said}`);
}

/** The lowest supported versions of all peers: nothing of an error reaches a client, and health, metrics and spans work. */
function lowest(name) {
  const cwd = install(name);
  cpSync(resolve('test/consumers/lowest.mjs'), join(cwd, 'lowest.mjs'));
  const said = execFileSync('node', ['lowest.mjs'], { cwd, encoding: 'utf8' }).trim();
  const expected = JSON.stringify({
    limited: '429 {"statusCode":429,"message":"Too Many Requests"}',
    feed: '429',
    health: 'ok',
    prometheus: '1',
    openTelemetry: 1,
    span: true,
  });
  if (said !== expected) {
    console.error(`✗ ${name} answered ${said}, not ${expected}`);
    process.exit(1);
  }
  console.log(`▸ ${name}: ${said}`);
}

/** A copy of a consumer with its packages and the tarball installed; its packages are kept until its lock file changes. */
function install(name) {
  const source = resolve('test/consumers', name);
  const target = join(cache, name);
  const lock = createHash('sha256')
    .update(readFileSync(join(source, 'package-lock.json')))
    .digest('hex');
  const stamp = join(target, 'node_modules/.lock-hash');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    rmSync(target, { recursive: true, force: true });
    cpSync(source, target, { recursive: true });
    run(`${name}: install its packages`, ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: target });
    writeFileSync(stamp, lock);
  }
  cpSync(source, target, { recursive: true });
  const installed = join(target, 'node_modules/nestjs-bulwark');
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  return target;
}
