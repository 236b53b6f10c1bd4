// Packs the library as npm would publish it, and tries the tarball: what is in it, publint, are-the-types-wrong, both
// builds in one process, and a CommonJS Nest 11 application with its default ts-jest test.
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

const consumer = install('nest11-cjs');
cpSync(resolve('test/consumers/dual.mjs'), join(consumer, 'dual.mjs'));
run('both builds in one process', ['node', 'dual.mjs'], { cwd: consumer });
run('CommonJS Nest 11: its default test', ['npx', '--no-install', 'jest', '--silent=false'], { cwd: consumer });
run('CommonJS Nest 11: its build', ['npx', '--no-install', 'tsc', '-p', 'tsconfig.json'], { cwd: consumer });
const said = execFileSync('node', ['dist/main.js'], { cwd: consumer, encoding: 'utf8' }).trim();
const expected = JSON.stringify({ answer: 'charged 5', up: 'ok', stock: '200 up forced-open', refused: 503, down: 503 });
if (said !== expected) {
  console.error(`✗ the Nest 11 application answered ${said}, not ${expected}`);
  process.exit(1);
}
console.log(`▸ CommonJS Nest 11: ${said}`);
console.log(`▸ the package is good (${elapsed()})`);

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
  for (const part of ['src', 'tsconfig.json', 'package.json']) cpSync(join(source, part), join(target, part), { recursive: true });
  const installed = join(target, 'node_modules/nestjs-bulwark');
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  return target;
}
