import type { HttpServer } from '@nestjs/common';
import type { RateLimiter } from '../../../index.js';

/** A limit that a client is told of. */
export interface ToldLimit {
  /** What the limit is called to clients. */
  readonly name: string;
  readonly limiter: RateLimiter;
  readonly key: Parameters<RateLimiter['peek']>[0];
}

/** What an answer tells already, by the name of the limit: both fields are lists. */
const told = new WeakMap<object, Map<string, { readonly policy: string; readonly state: string }>>();

/**
 * Puts limits on an answer beside those that it tells of already: the fields `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-11. Does nothing where the headers are sent.
 */
export function tellLimits(adapter: HttpServer, response: object, limits: readonly ToldLimit[]): void {
  if (limits.length === 0 || adapter.isHeadersSent(response)) return;
  let lines = told.get(response);
  if (lines === undefined) told.set(response, (lines = new Map()));
  for (const { name, limiter, key } of limits) {
    const item = sfString(name);
    const { remaining, resetAfterMs } = limiter.peek(key);
    lines.set(name, { policy: `${item}${policyOf(limiter)}`, state: `${item};r=${remaining};t=${Math.ceil(resetAfterMs / 1000)}` });
  }
  const all = [...lines.values()];
  adapter.setHeader(response, 'RateLimit-Policy', all.map(({ policy }) => policy).join(', '));
  adapter.setHeader(response, 'RateLimit', all.map(({ state }) => state).join(', '));
}

/**
 * `q` and `w`. A token bucket gives its whole capacity at once and is full again after `burst / limit` windows, so that is its quota
 * and its window. A window below one second is left out: the field has whole seconds, and `w=1` would claim a tighter limit.
 */
function policyOf({ settings: { limit, per, burst, algorithm } }: RateLimiter): string {
  const isBucket = algorithm === 'token-bucket';
  const quota = isBucket ? burst : limit;
  const windowMs = isBucket ? (burst / limit) * per : per;
  return windowMs < 1000 ? `;q=${quota}` : `;q=${quota};w=${Math.ceil(windowMs / 1000)}`;
}

/** A string of RFC 9651 has printable ASCII only; other characters are written as in a URL. */
function sfString(name: string): string {
  const ascii = name.replaceAll(/[^\u0020-\u007e]+/g, (text) => Buffer.from(text).toString('hex').toUpperCase().replaceAll(/../g, '%$&'));
  return `"${ascii.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
