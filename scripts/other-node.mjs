// The binary of another Node, from the npm package that the package `node` installs too; kept in .cache.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './run.mjs';

const PLATFORMS = { win32: 'win' };

/** The newest version of a major that the registry has, or the one in use where that is the major. */
export function nodeOfMajor(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const platform = `node-${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  const folder = resolve('.cache', `node-${major}`);
  const binary = join(folder, 'node_modules', platform, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    run(`install Node ${major}`, ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', `${platform}@${major}`], {
      cwd: folder,
    });
  }
  return binary;
}
