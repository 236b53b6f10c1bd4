import type { TimeSource } from '../../counting/windows.js';
import { RunsOfFailures } from './failure-runs.js';
import type { MutableRun, TakenCounts, UnmergedCounts } from './unmerged-counts.js';

/** More runs in one merge are put together, oldest first: their order is lost, no call is. */
const MAX_RUNS = 64;

/** Counts of a count window: runs of calls of one outcome. */
export class UnmergedCalls implements UnmergedCounts {
  calls = 0;
  failures = 0;
  slowCalls = 0;
  failureRuns = new RunsOfFailures();
  private runs: MutableRun[] = [];
  private last: MutableRun | undefined;
  private lastOutcome = Number.NaN;

  constructor(private readonly size: number) {}

  record(failed: boolean, slow: boolean): void {
    const outcome = (failed ? 1 : 0) + (slow ? 2 : 0);
    const run = this.last !== undefined && outcome === this.lastOutcome ? this.last : this.begin(outcome);
    run.calls++;
    this.calls++;
    if (failed) {
      run.failures++;
      this.failures++;
    }
    if (slow) {
      run.slowCalls++;
      this.slowCalls++;
    }
    this.failureRuns.record(failed);
  }

  expire(): void {
    while (this.calls > this.size) this.remove(this.calls - this.size);
  }

  take(time: TimeSource): TakenCounts {
    const at = time.now(); // calls leave a count window when others come, not with time
    const taken = { runs: this.runs.map((run) => ({ ...run, at })), failureRuns: this.failureRuns };
    this.runs = [];
    this.last = undefined;
    this.calls = this.failures = this.slowCalls = 0;
    this.failureRuns = new RunsOfFailures();
    return taken;
  }

  private begin(outcome: number): MutableRun {
    const run = { at: 0, calls: 0, failures: 0, slowCalls: 0 };
    if (this.runs.push(run) > MAX_RUNS) this.joinOldest();
    this.last = run;
    this.lastOutcome = outcome;
    return run;
  }

  private joinOldest(): void {
    const oldest = this.runs.shift()!;
    const next = this.runs[0]!;
    next.calls += oldest.calls;
    next.failures += oldest.failures;
    next.slowCalls += oldest.slowCalls;
  }

  /** Takes the oldest calls out; of runs that were put together, each outcome by its share. */
  private remove(excess: number): void {
    const oldest = this.runs[0]!;
    const calls = Math.min(excess, oldest.calls);
    const failures = Math.floor((oldest.failures * calls) / oldest.calls);
    const slowCalls = Math.floor((oldest.slowCalls * calls) / oldest.calls);
    oldest.calls -= calls;
    oldest.failures -= failures;
    oldest.slowCalls -= slowCalls;
    this.calls -= calls;
    this.failures -= failures;
    this.slowCalls -= slowCalls;
    if (oldest.calls > 0) return;
    this.runs.shift();
    if (oldest === this.last) this.last = undefined;
  }
}
