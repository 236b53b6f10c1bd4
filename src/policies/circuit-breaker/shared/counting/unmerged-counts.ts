import type { CallStatistics, TimeSource } from '../../counting/windows.js';
import type { CallRun, FailureRuns } from '../circuit-store.js';

/** How much the store's clock is ahead of this process's, in milliseconds, as the last answer showed it. */
export interface ClockOffset {
  offsetMs: number;
}

/** Calls as they are kept until the store has them. */
export interface CountedRun extends CallStatistics {
  /** By the clock of this process. */
  readonly at: number;
}

/** What was counted since the last merge, taken out to be sent. */
export interface TakenCounts {
  readonly runs: readonly CountedRun[];
  readonly failureRuns: FailureRuns;
}

/** What this instance has counted and not merged. Where nothing can be merged it is the window of a breaker by itself. */
export interface UnmergedCounts extends CallStatistics {
  readonly failureRuns: FailureRuns;
  record(failed: boolean, slow: boolean, time: TimeSource): void;
  /** Drops what a window of this instance alone would not hold any more. */
  expire(time: TimeSource): void;
  take(time: TimeSource): TakenCounts;
}

/** Ages instead of times, for the store. */
export function agesOf(runs: readonly CountedRun[], now: number): CallRun[] {
  return runs.map(({ at, calls, failures, slowCalls }) => ({ calls, failures, slowCalls, ageMs: Math.max(0, now - at) }));
}

/** The same while it is counted. */
export interface MutableRun {
  at: number;
  calls: number;
  failures: number;
  slowCalls: number;
}
