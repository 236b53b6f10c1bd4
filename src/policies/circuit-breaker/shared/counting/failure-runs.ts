import type { FailureRuns } from '../circuit-store.js';

/** Follows failures in a row over a sequence of calls. */
export class RunsOfFailures implements FailureRuns {
  leading = 0;
  longest = 0;
  trailing = 0;
  private hasSucceeded = false;

  record(failed: boolean): void {
    if (failed) {
      this.trailing++;
      if (this.trailing > this.longest) this.longest = this.trailing;
      if (!this.hasSucceeded) this.leading = this.trailing;
    } else {
      this.hasSucceeded = true;
      this.trailing = 0;
    }
  }
}
