import { describeDuration } from '../../options/index.js';

/**
 * Why there was no permit: none left in time, the call costs more than there ever is, its key was forgotten while it waited
 * because so many others are in use (`maxKeys`), the application shuts down, or the limit is shared and its store cannot be asked
 * (`onStoreFailure: 'reject'`).
 */
export type RateLimitReason = 'limit' | 'cost' | 'displaced' | 'shutdown' | 'store';

/** What a message tells of a limiter, as it is when it rejects. */
export interface Limits {
  readonly name: string;
  readonly capacity: number;
  /** Why most are rejected, in words that are made once. */
  readonly shortage: string;
}

export function limitsOf(name: string, capacity: number, { limit, per }: { readonly limit: number; readonly per: number }): Limits {
  return { name, capacity, shortage: `no permit left (${limit} in ${describeDuration(per)})` };
}

/** Why a call was rejected, in a sentence with the figures. */
export function rejectionMessage(
  limits: Limits,
  { key, cost }: { readonly key: string | undefined; readonly cost: number },
  reason: RateLimitReason,
  retryAfterMs: number | undefined,
): string {
  const shownKey = key === undefined ? '' : ` for key ${JSON.stringify(key)}`;
  const why = reason === 'limit' ? limits.shortage : rarely(reason, cost, limits.capacity);
  const next = retryAfterMs === undefined ? '' : `; next one in ${describeDuration(retryAfterMs)}`;
  return `Rate limit "${limits.name}"${shownKey}: ${why}${next}`;
}

function rarely(reason: Exclude<RateLimitReason, 'limit'>, cost: number, capacity: number): string {
  if (reason === 'cost') return `a call that costs ${cost} can never pass (at most ${capacity})`;
  if (reason === 'displaced') return 'its key was forgotten while it waited, as more keys than maxKeys are in use';
  return reason === 'store' ? 'the store of shared limits cannot be asked' : 'the application shuts down';
}
