import type { Environment } from '../../engine/environment.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import type { StoreCounts, StoreOutcome } from '../../policies/shared-store.js';

/** In seconds: a store answers in less than a millisecond, or something is wrong. */
const BOUNDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25];

/** Counts what is asked of the store, by the names of our own scripts. */
export class StoreRequests implements StoreCounts {
  readonly counts = new Map<string, Record<StoreOutcome, number>>();
  readonly durations: Histogram;

  constructor(environment: Environment, group: string) {
    this.durations = environment.timings.of('store_request_duration_seconds', group, BOUNDS);
  }

  count(command: string, outcome: StoreOutcome): void {
    let counts = this.counts.get(command);
    if (counts === undefined) {
      counts = { ok: 0, error: 0, timeout: 0, unavailable: 0 };
      this.counts.set(command, counts);
    }
    counts[outcome]++;
  }

  answered(command: string, durationMs: number): void {
    this.count(command, 'ok');
    this.durations.record(durationMs);
  }
}
