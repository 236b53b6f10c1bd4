// One step of a script: says what it does, runs a program of node_modules/.bin (or npm, node), and ends the script where that fails.
import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

const started = Date.now();

export function run(title, [program, ...args], options = {}) {
  console.log(`▸ ${title}`);
  const { status, error } = spawnSync(program, args, {
    stdio: 'inherit',
    ...options,
    env: { ...process.env, PATH: `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH}`, ...options.env },
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error(`✗ ${title} failed${error === undefined ? '' : `: ${error.message}`}`);
  process.exit(status ?? 1);
}

export function elapsed() {
  return `${Math.round((Date.now() - started) / 1000)} s`;
}
