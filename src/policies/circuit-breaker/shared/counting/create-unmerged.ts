import type { WindowSettings } from '../../circuit-breaker.policy.js';
import { UnmergedBuckets } from './unmerged-buckets.js';
import { UnmergedCalls } from './unmerged-calls.js';
import type { ClockOffset, UnmergedCounts } from './unmerged-counts.js';

/** Counts for a window. */
export function createUnmerged(window: WindowSettings, clock: ClockOffset): UnmergedCounts {
  return window.type === 'count' ? new UnmergedCalls(window.size) : new UnmergedBuckets(window.durationMs, clock);
}
