import type { WindowSettings } from '../circuit-breaker.policy.js';

/** Gives the time; read only by who needs it. */
export interface TimeSource {
  now(): number;
}

/** What is known of the calls in a window. */
export interface CallStatistics {
  readonly calls: number;
  readonly failures: number;
  readonly slowCalls: number;
}

/** Remembers how the last calls ended. Recording is O(1); sums are kept, not computed. */
export interface CallWindow extends CallStatistics {
  record(failed: boolean, slow: boolean, time: TimeSource): void;
  /** Drops what has left the window, so that the sums are those of this moment. */
  expire(time: TimeSource): void;
  /** What another window of its shape needs to go on. */
  save(time: TimeSource): SavedWindow;
  /** Goes on with what one of its shape has saved, so many milliseconds ago. */
  restore(saved: SavedWindow, elapsedMs: number, time: TimeSource): void;
}

/** The calls of a window as plain data. */
export interface SavedWindow {
  readonly shape: WindowSettings;
  /** Of a count window: a byte a call, in base64, the oldest first. */
  readonly outcomes?: string;
  /** Of a time window: milliseconds since each bucket began, its calls, failures and slow calls. */
  readonly buckets?: readonly (readonly [ageMs: number, calls: number, failures: number, slowCalls: number])[];
}

const FAILED = 1;
const SLOW = 2;

/** The last N calls: a ring with a byte a call. */
export class CountWindow implements CallWindow {
  calls = 0;
  failures = 0;
  slowCalls = 0;
  private position = 0;
  private readonly ring: Uint8Array;

  constructor(size: number) {
    this.ring = new Uint8Array(size);
  }

  record(failed: boolean, slow: boolean): void {
    const { ring, position } = this;
    if (this.calls === ring.length) {
      const leaving = ring[position]!;
      this.failures -= leaving & FAILED;
      this.slowCalls -= leaving >> 1;
    } else this.calls++;
    ring[position] = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    if (failed) this.failures++;
    if (slow) this.slowCalls++;
    this.position = position + 1 === ring.length ? 0 : position + 1;
  }

  expire(): void {
    // Calls leave when others come, not with time.
  }

  save(): SavedWindow {
    const { ring, position, calls } = this;
    const oldestFirst =
      calls < ring.length ? ring.subarray(0, calls) : Buffer.concat([ring.subarray(position), ring.subarray(0, position)]);
    return { shape: { type: 'count', size: ring.length }, outcomes: Buffer.from(oldestFirst).toString('base64') };
  }

  restore({ outcomes = '' }: SavedWindow): void {
    for (const outcome of Buffer.from(outcomes, 'base64')) this.record((outcome & FAILED) !== 0, (outcome & SLOW) !== 0);
  }
}

const BUCKETS = 10;

/** The calls of the last while, in ten buckets: a call is forgotten when its bucket is, within a tenth of the window. */
export class TimeWindow implements CallWindow {
  calls = 0;
  failures = 0;
  slowCalls = 0;
  private readonly bucketMs: number;
  private readonly bucketCalls = new Uint32Array(BUCKETS);
  private readonly bucketFailures = new Uint32Array(BUCKETS);
  private readonly bucketSlow = new Uint32Array(BUCKETS);
  private current = 0;

  constructor(private readonly durationMs: number) {
    this.bucketMs = durationMs / BUCKETS;
  }

  record(failed: boolean, slow: boolean, time: TimeSource): void {
    this.expire(time);
    const slot = this.current % BUCKETS;
    this.bucketCalls[slot]!++;
    this.calls++;
    if (failed) {
      this.bucketFailures[slot]!++;
      this.failures++;
    }
    if (slow) {
      this.bucketSlow[slot]!++;
      this.slowCalls++;
    }
  }

  expire(time: TimeSource): void {
    const bucket = Math.floor(time.now() / this.bucketMs);
    const passed = Math.min(bucket - this.current, BUCKETS);
    if (passed <= 0) return;
    for (let step = 1; step <= passed; step++) this.empty((this.current + step) % BUCKETS);
    this.current = bucket;
  }

  save(time: TimeSource): SavedWindow {
    this.expire(time);
    const { current, bucketMs } = this;
    const buckets = Array.from({ length: BUCKETS }, (_, age) => {
      const slot = slotOf(current - age);
      return [
        time.now() - (current - age) * bucketMs,
        this.bucketCalls[slot]!,
        this.bucketFailures[slot]!,
        this.bucketSlow[slot]!,
      ] as const;
    });
    return { shape: { type: 'time', durationMs: this.durationMs }, buckets: buckets.filter(([, calls]) => calls > 0) };
  }

  restore({ buckets = [] }: SavedWindow, elapsedMs: number, time: TimeSource): void {
    this.expire(time);
    for (const [ageMs, calls, failures, slowCalls] of buckets) {
      // To the nearest bucket: those of two processes do not begin at the same moments.
      const age = Math.max(0, this.current - Math.round((time.now() - ageMs - elapsedMs) / this.bucketMs));
      if (age >= BUCKETS) continue;
      const slot = slotOf(this.current - age);
      this.calls += calls;
      this.failures += failures;
      this.slowCalls += slowCalls;
      this.bucketCalls[slot]! += calls;
      this.bucketFailures[slot]! += failures;
      this.bucketSlow[slot]! += slowCalls;
    }
  }

  private empty(slot: number): void {
    this.calls -= this.bucketCalls[slot]!;
    this.failures -= this.bucketFailures[slot]!;
    this.slowCalls -= this.bucketSlow[slot]!;
    this.bucketCalls[slot] = this.bucketFailures[slot] = this.bucketSlow[slot] = 0;
  }
}

/** Of a bucket of this process, or of one before it began. */
function slotOf(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS;
}

/** Whether calls counted in the one could stay in the other. */
export function sameShape(a: WindowSettings, b: WindowSettings): boolean {
  if (a.type === 'count') return b.type === 'count' && a.size === b.size;
  return b.type === 'time' && a.durationMs === b.durationMs;
}

export function createWindow(settings: WindowSettings): CallWindow {
  return settings.type === 'count' ? new CountWindow(settings.size) : new TimeWindow(settings.durationMs);
}
