/** The newest version of a peer that runs on this Node: some have one for Node 22 and newer beside it. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const modern = Number(process.versions.node.split('.')[0]) >= 22;
const folder = (name) => fileURLToPath(new URL(`node_modules/${name}/`, import.meta.url));
const chosen = (name) => (modern && existsSync(folder(`${name}-node22`)) ? `${name}-node22` : name);

export async function pick(name) {
  return import(chosen(name));
}

export function versionOf(name) {
  return JSON.parse(readFileSync(`${folder(chosen(name))}package.json`, 'utf8')).version;
}
