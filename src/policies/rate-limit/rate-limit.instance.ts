import type { HealthFinding, HealthStatus, KeyListing, KeyPage } from '../../engine/contract/instance.js';
import { choice, type OptionsOf, type Rule } from '../../options/index.js';
import type { RateLimiter } from './rate-limiter.js';

/** How the state of a rate limiter is told. */
export interface RateLimiterHealthOptions {
  /** Which of them, by name. Default: all. */
  readonly names?: readonly string[];
  /**
   * What a limit without a permit left means. A limiter at its limit does its work, so it is no fault.
   * @default 'up'
   */
  readonly exhaustedIs?: HealthStatus;
}

const healthRules = {
  exhaustedIs: choice(['up', 'degraded', 'down'], { default: 'up' }),
} satisfies Record<Exclude<keyof RateLimiterHealthOptions, 'names'>, Rule>;

function healthOf(limiter: RateLimiter, { exhaustedIs }: OptionsOf<typeof healthRules>): HealthFinding {
  const { remaining, resetAfterMs } = limiter.peek();
  const { waiting, rejections, keyCount: keys } = limiter;
  return {
    status: remaining === 0 ? exhaustedIs : 'up',
    details: { remaining, resetAfterMs: Math.ceil(resetAfterMs), waiting, rejections, keys },
  };
}

function snapshotOf(limiter: RateLimiter): object {
  const { remaining, resetAfterMs } = limiter.peek();
  const { state, allowed, rejections, waiting, keyCount, settings } = limiter;
  const { limit, per, burst, algorithm } = settings;
  const left = { remaining, resetAfterMs: Math.ceil(resetAfterMs) };
  return { state, limit, perMs: per, burst, algorithm, ...left, allowed, rejections, waiting, keys: { known: keyCount } };
}

/** In the order in which they came first. */
function keysOf(limiter: RateLimiter, { offset, limit }: Required<KeyPage>): KeyListing {
  const keys = limiter.someKeys(offset, limit).map((key) => {
    const { remaining, resetAfterMs } = limiter.peek(key);
    return { key, remaining, resetAfterMs: Math.ceil(resetAfterMs) };
  });
  return { total: limiter.keyCount, keys };
}

/** What can be seen of a rate limiter. */
export const rateLimitInstance = {
  snapshot: snapshotOf,
  health: { group: 'rateLimiters', rules: healthRules, check: healthOf },
  keys: keysOf,
  waiting: ({ waiting }: RateLimiter) => waiting,
} as const;
