import type { WindowSettings } from '../../policies/circuit-breaker/circuit-breaker.policy.js';
import type { CallRun } from '../../policies/circuit-breaker/shared/circuit-store.js';
import type { CallStatistics } from '../../policies/circuit-breaker/counting/windows.js';

/** Of a time window. */
const BUCKETS = 10;

interface MergedRun {
  calls: number;
  failures: number;
  slowCalls: number;
  /** When it was merged; in a time window the number of the bucket. */
  readonly at: number;
}

/** One window: runs of calls, oldest first. */
export class MergedWindow {
  private runs: MergedRun[] = [];

  constructor(private readonly shape: WindowSettings) {}

  merge(runs: readonly CallRun[], now: number, countedForMs: number): CallStatistics {
    if (this.shape.type === 'time') this.mergeBuckets(runs, now, this.shape.durationMs / BUCKETS);
    else this.mergeCalls(runs, now, this.shape.size, countedForMs);
    const sums = { calls: 0, failures: 0, slowCalls: 0 };
    for (const run of this.runs) add(sums, run);
    return sums;
  }

  private mergeBuckets(runs: readonly CallRun[], now: number, bucketMs: number): void {
    const current = Math.floor(now / bucketMs);
    for (const run of runs) {
      const at = Math.floor((now - run.ageMs) / bucketMs);
      const bucket = this.runs.find((one) => one.at === at);
      if (bucket === undefined) this.runs.push({ calls: run.calls, failures: run.failures, slowCalls: run.slowCalls, at });
      else add(bucket, run);
    }
    this.runs = this.runs.filter(({ at }) => at > current - BUCKETS);
  }

  private mergeCalls(runs: readonly CallRun[], now: number, size: number, countedForMs: number): void {
    for (const { calls, failures, slowCalls } of runs) this.runs.push({ calls, failures, slowCalls, at: now });
    let excess = this.runs.reduce((sum, { calls }) => sum + calls, 0) - size;
    while (excess > 0 && now - this.runs[0]!.at >= countedForMs) {
      const oldest = this.runs[0]!;
      const calls = Math.min(excess, oldest.calls);
      const failures = Math.floor((oldest.failures * calls) / oldest.calls);
      const slowCalls = Math.floor((oldest.slowCalls * calls) / oldest.calls);
      add(oldest, { calls: -calls, failures: -failures, slowCalls: -slowCalls });
      if (oldest.calls === 0) this.runs.shift();
      excess -= calls;
    }
  }
}

function add(to: { calls: number; failures: number; slowCalls: number }, more: CallStatistics): void {
  to.calls += more.calls;
  to.failures += more.failures;
  to.slowCalls += more.slowCalls;
}
