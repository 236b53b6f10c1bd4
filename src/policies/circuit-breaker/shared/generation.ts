import { randomBytes } from 'node:crypto';

/** Bytes of a generation or a lease: nobody guesses one, and no two are alike. */
const LENGTH = 12;

/** So many are made at a time. */
const POOL = 64;

let pool = Buffer.alloc(0);

/** A value that was never there before, as 16 characters. */
export function newGeneration(): string {
  if (pool.length === 0) pool = randomBytes(LENGTH * POOL);
  const value = pool.subarray(0, LENGTH).toString('base64url');
  pool = pool.subarray(LENGTH);
  return value;
}
