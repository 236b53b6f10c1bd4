import type { TimeSource } from '../../counting/windows.js';
import { RunsOfFailures } from './failure-runs.js';
import type { ClockOffset, MutableRun, TakenCounts, UnmergedCounts } from './unmerged-counts.js';

/** Buckets of a time window, the same that the store has: the clocks may differ, so they are cut by the store's. */
const BUCKETS = 10;

/** Counts of a time window. */
export class UnmergedBuckets implements UnmergedCounts {
  calls = 0;
  failures = 0;
  slowCalls = 0;
  failureRuns = new RunsOfFailures();
  private readonly bucketMs: number;
  private buckets: MutableRun[] = [];
  private current: MutableRun | undefined;
  private currentIndex = Number.NaN;

  constructor(
    durationMs: number,
    private readonly clock: ClockOffset,
  ) {
    this.bucketMs = durationMs / BUCKETS;
  }

  record(failed: boolean, slow: boolean, time: TimeSource): void {
    const now = time.now();
    const index = Math.floor((now + this.clock.offsetMs) / this.bucketMs);
    const bucket = this.current !== undefined && index === this.currentIndex ? this.current : this.begin(index, now);
    bucket.calls++;
    this.calls++;
    if (failed) {
      bucket.failures++;
      this.failures++;
    }
    if (slow) {
      bucket.slowCalls++;
      this.slowCalls++;
    }
    this.failureRuns.record(failed);
  }

  expire(time: TimeSource): void {
    this.dropBefore(time.now() - (BUCKETS - 1) * this.bucketMs);
  }

  take(): TakenCounts {
    const taken = { runs: this.buckets, failureRuns: this.failureRuns };
    this.buckets = [];
    this.current = undefined;
    this.calls = this.failures = this.slowCalls = 0;
    this.failureRuns = new RunsOfFailures();
    return taken;
  }

  private begin(index: number, now: number): MutableRun {
    this.dropBefore(now - BUCKETS * this.bucketMs);
    const bucket = { at: now, calls: 0, failures: 0, slowCalls: 0 };
    this.buckets.push(bucket);
    this.currentIndex = index;
    this.current = bucket;
    return bucket;
  }

  private dropBefore(oldest: number): void {
    while (this.buckets.length > 0 && this.buckets[0]!.at < oldest) {
      const gone = this.buckets.shift()!;
      if (gone === this.current) this.current = undefined;
      this.calls -= gone.calls;
      this.failures -= gone.failures;
      this.slowCalls -= gone.slowCalls;
    }
  }
}
