// Brings what is missing, and nothing else; says what it does. Packages of npm always. The programs that the tests run, but with
// `--build`: that one is for the demo and the bench, which need none, and builds where the sources are newer.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

/** Programs that no npm package has. A test that needs one fails without it: a check that nobody runs is none. */
const PROGRAMS = [
  {
    program: process.env.REDIS_SERVER ?? 'redis-server',
    debian: 'redis-server',
    why: 'keeps the state that instances share, in all tests of it; REDIS_SERVER names one that is not in PATH',
  },
  { program: 'openssl', debian: 'openssl', why: 'makes the certificates of a Redis that speaks TLS, in test/integrations/redis' },
  { program: 'prometheus', debian: 'prometheus', why: 'scrapes the sample app and fires the alerts, in test/e2e/prometheus.spec.ts' },
  { program: 'promtool', debian: 'prometheus', why: 'checks docs/observability/*-rules.yml and runs test/observability/rules.test.yml' },
];

const [major, minor] = process.versions.node.split('.').map(Number);
if (!((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24)) {
  console.error(`✗ Node ${process.versions.node} is too old: 20.19, 22.12 or 24 and newer are needed`);
  process.exit(1);
}

if (packagesAreThere()) console.log('▸ packages are installed');
else run('install packages (npm ci)', ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error']);

if (process.argv.includes('--build')) {
  const built = ['dist/esm/index.js', 'dist/cjs/index.js', 'sample-app/dist/main.js'];
  const oldest = Math.min(...built.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)));
  if (newest('src', 'sample-app/src') > oldest) run('build the library and the sample app', ['node', 'scripts/build.mjs']);
  else console.log('▸ the build is up to date');
} else bringPrograms();

/** Whether node_modules has what the lock file wants, by npm's own record of it: whoever installed it, however. */
function packagesAreThere() {
  const record = 'node_modules/.package-lock.json';
  if (!existsSync(record)) return false;
  const { packages: installed } = JSON.parse(readFileSync(record, 'utf8'));
  const { packages: wanted } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  return Object.entries(wanted)
    .filter(([path, { optional }]) => path.startsWith('node_modules/') && optional !== true)
    .every(([path, { version }]) => installed[path]?.version === version && existsSync(path));
}

/** Installs the programs where that can be done without asking: by apt-get, as root, on Debian and its kin. */
function bringPrograms() {
  const missing = PROGRAMS.filter(({ program }) => spawnSync(program, ['--version']).error !== undefined);
  if (missing.length === 0) return;
  for (const { program, why } of missing) console.log(`▸ ${program} is missing: ${why}`);
  const named = missing.find(({ program }) => program === process.env.REDIS_SERVER);
  if (named !== undefined) {
    console.error(`✗ REDIS_SERVER names ${named.program}, which cannot be started`);
    process.exit(1);
  }
  const packages = [...new Set(missing.map(({ debian }) => debian))];
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    console.log(`▸ tests that need them will fail; on Debian: sudo apt-get install --no-install-recommends ${packages.join(' ')}`);
    return;
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }; // installed for tests, not to be started as services
  run('read the list of packages (apt-get update)', ['apt-get', 'update', '-qq'], { env });
  run(`install ${packages.join(', ')} (apt-get)`, ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
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
