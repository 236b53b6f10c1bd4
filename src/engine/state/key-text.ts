import { createHash } from 'node:crypto';
import { formatValue } from '../../options/index.js';

/** Longer keys are kept as their hash: what a caller may choose must not choose how much memory it takes. */
const MAX_KEY_LENGTH = 128;

/**
 * The text of a key, or undefined for the common state. The one place that reads what a `key` function or a call by hand
 * gives, before anything is taken.
 * @param source Where the key comes from, for the message: `the key function of @Bulkhead`.
 * @throws TypeError for anything that has no one text: arrays and objects would give each request a state of its own.
 */
export function keyText(key: unknown, source: string, operationId?: string): string | undefined {
  if (typeof key === 'string') return key.length <= MAX_KEY_LENGTH ? key : hashed(key);
  if (key === undefined || key === null) return undefined;
  if (typeof key === 'number' || typeof key === 'boolean') return String(key);
  if (typeof key === 'bigint') return keyText(key.toString(), source, operationId);
  throw new TypeError(
    `${operationId === undefined ? '' : `${operationId}: `}${source} must give text, a number, a bigint or a boolean, got ${described(key)}`,
  );
}

/** By its UTF-16 units, because two different keys may have the same bytes in UTF-8 where they hold half a character. */
function hashed(key: string): string {
  return `sha256:${createHash('sha256').update(key, 'utf16le').digest('base64url')}`;
}

/** An async key function gives a promise whose rejection nobody else would see. */
function described(key: unknown): string {
  if (!(key instanceof Promise)) return formatValue(key);
  key.catch(() => undefined);
  return 'a promise';
}
