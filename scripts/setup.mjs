// Installs what is missing, and nothing else; says what it does. `--build` builds too where the sources are newer.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (!((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24)) {
  console.error(`✗ Node ${process.versions.node} is too old: 20.19, 22.12 or 24 and newer are needed`);
  process.exit(1);
}

const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const stamp = 'node_modules/.bulwark-setup';
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) console.log('▸ packages are installed');
else {
  run('install packages (npm ci)', ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error']);
  mkdirSync('node_modules', { recursive: true });
  writeFileSync(stamp, lock);
}

if (process.argv.includes('--build')) {
  const built = ['dist/esm/index.js', 'dist/cjs/index.js', 'sample-app/dist/main.js'];
  const oldest = Math.min(...built.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)));
  if (newest('src', 'sample-app/src') > oldest) run('build the library and the sample app', ['node', 'scripts/build.mjs']);
  else console.log('▸ the build is up to date');
}

function newest(...folders) {
  return Math.max(
    ...folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
    ),
  );
}
