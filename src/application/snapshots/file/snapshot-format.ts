import { createHash, type Hash } from 'node:crypto';
import { isRecord } from '../../../options/index.js';
import type { SnapshotEntry } from '../snapshot-store.js';

/**
 * A line of JSON that says what the file is, a line for each entry, and a line with the SHA-256 of all lines before it: it tells a file
 * that was cut or changed by accident, and is no protection from whoever may write it.
 */
const FORMAT = 'nestjs-bulwark snapshot';
const VERSION = 1;

/** What a file holds, or in words why it cannot be used. */
export type ReadSnapshot = { readonly entries: readonly SnapshotEntry[] } | { readonly unusable: string };

/** The lines of a snapshot, made as they are asked for. */
export function* writeSnapshot(entries: Iterable<SnapshotEntry>): Generator<string> {
  const hash = createHash('sha256');
  yield hashed({ format: FORMAT, version: VERSION }, hash);
  for (const entry of entries) yield hashed(entry, hash);
  yield `${JSON.stringify({ sha256: hash.digest('hex') })}\n`;
}

export function readSnapshot(content: string): ReadSnapshot {
  const lines = content.split('\n');
  const head = parsed(lines[0]);
  if (!isRecord(head) || head['format'] !== FORMAT) return { unusable: 'is no snapshot of nestjs-bulwark' };
  const { version } = head;
  if (!Number.isInteger(version)) return { unusable: 'is damaged: it has no version' };
  if ((version as number) > VERSION)
    return { unusable: `was written by a newer version (format ${String(version)}, this one reads up to ${VERSION})` };
  const end = lines.at(-1) === '' ? parsed(lines.at(-2)) : undefined;
  if (!isRecord(end)) return { unusable: 'is damaged: its end is missing' };
  const body = lines.slice(0, -2);
  const hash = createHash('sha256');
  for (const line of body) hash.update(`${line}\n`);
  if (end['sha256'] !== hash.digest('hex')) return { unusable: 'is damaged: its checksum is another' };
  const entries = body.slice(1).map(parsed);
  return entries.every(isEntry) ? { entries } : { unusable: 'is damaged: it has entries that are none' };
}

function hashed(value: unknown, hash: Hash): string {
  const line = `${JSON.stringify(value)}\n`;
  hash.update(line);
  return line;
}

function parsed(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is SnapshotEntry {
  if (!isRecord(value)) return false;
  const { kind, name, savedAt } = value;
  return typeof kind === 'string' && typeof name === 'string' && Number.isFinite(savedAt) && 'state' in value;
}
