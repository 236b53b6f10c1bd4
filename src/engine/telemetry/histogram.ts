import { lookAfter } from '../drivers/promises.js';

/** Upper bounds of the buckets in seconds: those that Prometheus client libraries start with. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Told of each duration that is measured. */
export type DurationListener = (distribution: Histogram, seconds: number) => void;

/** How many durations fell into which bucket. */
export class Histogram {
  count = 0;
  /** Of all durations, in seconds. */
  sum = 0;
  /** By bucket, not added up; the last one has what is above all bounds. */
  readonly counts: Float64Array;

  constructor(
    /** The metric that it belongs to. */
    readonly metric: string,
    /** The policy or operation whose durations these are. */
    readonly name: string,
    readonly bounds: readonly number[],
    private readonly timings: Timings,
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  record(milliseconds: number): void {
    const { bounds } = this;
    const seconds = milliseconds / 1000;
    let bucket = 0;
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.count++;
    this.sum += seconds;
    if (this.timings.listeners.length > 0) this.timings.tell(this, seconds);
  }
}

/**
 * Whether durations are measured. Reading the clock twice a call costs more than the rest of a policy, so nothing of the
 * kind is done until somebody wants to know.
 */
export class Timings {
  on = false;
  listeners: readonly DurationListener[] = [];
  private bounds = DEFAULT_BUCKETS;

  constructor(private readonly reportError: (error: unknown) => void) {}

  /** Measures from now on; the buckets are those of whoever asked first. */
  start(bounds: readonly number[] = DEFAULT_BUCKETS): void {
    if (!this.on) this.bounds = bounds;
    this.on = true;
  }

  listen(listener: DurationListener): () => void {
    this.listeners = [...this.listeners, listener];
    return () => (this.listeners = this.listeners.filter((other) => other !== listener));
  }

  tell(distribution: Histogram, seconds: number): void {
    for (const listener of this.listeners) {
      try {
        lookAfter(listener(distribution, seconds), this.reportError);
      } catch (error) {
        this.reportError(error);
      }
    }
  }

  /** For durations of calls, which are measured only where somebody wants it. */
  ofCalls(metric: string, name: string): Histogram | undefined {
    return this.on ? this.of(metric, name, this.bounds) : undefined;
  }

  /** For durations of what happens rarely, which are always measured. */
  of(metric: string, name: string, bounds: readonly number[]): Histogram {
    return new Histogram(metric, name, bounds, this);
  }
}
