/** How a retry budget is bounded; the window in milliseconds. */
export interface RetryBudgetSettings {
  readonly ratio: number;
  readonly minPerSecond: number;
  readonly window: number;
}

const BUCKETS = 10;

/**
 * Counts calls and retries over a sliding window of ten buckets. A retry is let through where, with it, the retries in the
 * window stay within `ratio` × calls in it + `minPerSecond` × its seconds. The buckets round to the safe side: retries
 * are counted up to a bucket longer than the window, calls up to a bucket shorter, so the bound holds for every exact
 * window that ends with a retry. After the retry budgets of Finagle and of gRPC's retry throttling.
 */
export class RetryBudget {
  /** One bucket more than the window for retries. */
  private readonly calls = new Float64Array(BUCKETS + 1);
  private readonly retries = new Float64Array(BUCKETS + 1);
  private readonly bucketMs: number;
  private readonly allowance: number;
  private current = Number.NEGATIVE_INFINITY;

  constructor(readonly settings: RetryBudgetSettings) {
    this.bucketMs = settings.window / BUCKETS;
    this.allowance = (settings.minPerSecond * settings.window) / 1000;
  }

  /** A call began. */
  countCall(now: number): void {
    this.moveTo(now);
    this.calls[this.slot(0)]!++;
  }

  /** May one more retry start? Counts it if so. */
  tryRetry(now: number): boolean {
    if (this.remaining(now) < 1) return false;
    this.retries[this.slot(0)]!++;
    return true;
  }

  /** How many retries are left at this moment; may be a fraction. */
  remaining(now: number): number {
    this.moveTo(now);
    const oldest = this.slot(BUCKETS);
    const calls = sum(this.calls) - this.calls[oldest]!;
    // A hair is added, because sums such as 0.1 * 30 fall short of 3 in floating point.
    return this.settings.ratio * calls + this.allowance - sum(this.retries) + 1e-9;
  }

  private slot(bucketsAgo: number): number {
    return slotOf(this.current - bucketsAgo);
  }

  private moveTo(now: number): void {
    const bucket = Math.floor(now / this.bucketMs);
    const passed = Math.min(bucket - this.current, BUCKETS + 1);
    for (let step = 1; step <= passed; step++) {
      const slot = slotOf(bucket - passed + step);
      this.calls[slot] = this.retries[slot] = 0;
    }
    if (passed > 0) this.current = bucket;
  }
}

/** The place of a bucket in the rings; buckets before time 0 have negative numbers. */
function slotOf(bucket: number): number {
  const rings = BUCKETS + 1;
  return ((bucket % rings) + rings) % rings;
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
