import type { Algorithm } from './algorithm.js';
import { meter } from './meter.js';
import type { RateLimitAlgorithm } from '../rate-limit.policy.js';
import type { Rate } from './units.js';
import { fixedWindow, slidingWindow } from './windows.js';

const ALGORITHMS: Record<RateLimitAlgorithm, (rate: Rate) => Algorithm> = {
  'token-bucket': (rate) => meter(rate, 'at once'),
  'fixed-window': fixedWindow,
  'sliding-window': slidingWindow,
  'leaky-bucket': (rate) => meter(rate, 'evenly apart'),
};

/** So many rates are shared; more of them are made each time. */
const MAX_SHARED = 100;

const shared = new Map<string, Algorithm>();

/** The way of counting at a rate: it holds no state, so limits of the same rate share it. */
export function algorithmOf(name: RateLimitAlgorithm, rate: Rate): Algorithm {
  const { limit, perMs, burst } = rate;
  const key = `${name} ${limit} ${perMs} ${burst}`;
  let algorithm = shared.get(key);
  if (algorithm === undefined) {
    algorithm = ALGORITHMS[name](rate);
    if (shared.size < MAX_SHARED) shared.set(key, algorithm);
  }
  return algorithm;
}
