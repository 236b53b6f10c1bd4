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

export function createAlgorithm(name: RateLimitAlgorithm, rate: Rate): Algorithm {
  return ALGORITHMS[name](rate);
}
