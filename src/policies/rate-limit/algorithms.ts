import type { RateLimitAlgorithm } from './rate-limit.policy.js';

/** How permits come back, in numbers. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

/**
 * One way of counting permits. Its state is `width` numbers from `at` on in an array that may hold thousands of them:
 * a key costs no object. All zeros is the state of a key that was never used.
 */
export interface Algorithm {
  readonly width: number;
  /** The most that one call can cost. */
  readonly capacity: number;
  /** The earliest time, not before `now`, at which `cost` can be taken; `cost` is at most the capacity. */
  availableAt(state: Float64Array, at: number, now: number, cost: number): number;
  /** Takes `cost` at a time at which it is available. */
  take(state: Float64Array, at: number, time: number, cost: number): void;
  /** Takes `cost` if it is available now: the two above in one, for the hot path. */
  tryTake(state: Float64Array, at: number, now: number, cost: number): boolean;
  /** Takes back what was just taken. */
  giveBack(state: Float64Array, at: number, cost: number): void;
  /** What could be taken now, in whole permits. */
  remaining(state: Float64Array, at: number, now: number): number;
  /** Milliseconds until all permits are back. */
  resetAfterMs(state: Float64Array, at: number, now: number): number;
  /** Makes the states of all keys, kept at another rate so far, its own: what is used up stays used up. */
  adopt(state: Float64Array, before: Rate, now: number): void;
}

type Counting = Omit<Algorithm, 'tryTake'>;

function takeIfAvailable(algorithm: Counting, state: Float64Array, at: number, now: number, cost: number): boolean {
  if (algorithm.availableAt(state, at, now, cost) > now) return false;
  algorithm.take(state, at, now, cost);
  return true;
}

/** Times closer than this are the same: sums of fractions of a millisecond are not exact. */
const SAME_MS = 1e-6;

/** Never an earlier time than now, and now itself where the difference is only rounding. */
function notBefore(now: number, time: number): number {
  return time - now < SAME_MS ? now : time;
}

function wholePermits(amount: number): number {
  return Math.max(0, Math.floor(amount + SAME_MS));
}

/** Where the state is a time until which permits are lent: as many permits are lent as before, at the new price. */
function adoptDebts(state: Float64Array, before: Rate, after: Rate, now: number): void {
  const price = after.perMs / after.limit / (before.perMs / before.limit);
  for (let at = 0; at < state.length; at++) {
    const debtMs = state[at]! - now;
    if (debtMs > 0) state[at] = now + debtMs * price;
  }
}

/**
 * Token bucket in one number, the time at which the bucket will be full again: the "theoretical arrival time" of the
 * generic cell rate algorithm (ITU-T I.371), which is the continuous-state leaky bucket seen as a meter.
 */
function tokenBucket(rate: Rate): Algorithm {
  const { limit, perMs, burst } = rate;
  const tokenMs = perMs / limit;
  const bucketMs = burst * tokenMs;
  return {
    width: 1,
    capacity: burst,
    availableAt: (state, at, now, cost) => notBefore(now, Math.max(state[at]!, now) + cost * tokenMs - bucketMs),
    take(state, at, time, cost) {
      state[at] = Math.max(state[at]!, time) + cost * tokenMs;
    },
    tryTake(state, at, now, cost) {
      const full = Math.max(state[at]!, now) + cost * tokenMs;
      if (full - bucketMs - now >= SAME_MS) return false;
      state[at] = full;
      return true;
    },
    giveBack(state, at, cost) {
      state[at]! -= cost * tokenMs;
    },
    remaining: (state, at, now) => wholePermits((bucketMs - Math.max(0, state[at]! - now)) / tokenMs),
    resetAfterMs: (state, at, now) => Math.max(0, state[at]! - now),
    adopt: (state, before, now) => adoptDebts(state, before, rate, now),
  };
}

/** Fixed window: when it began, and what is used of it (0: none has begun). */
function fixedWindow({ limit, perMs }: Rate): Algorithm {
  const isOver = (state: Float64Array, at: number, now: number) => state[at + 1] === 0 || now >= state[at]! + perMs;
  const algorithm: Counting = {
    width: 2,
    capacity: limit,
    availableAt: (state, at, now, cost) => (isOver(state, at, now) || state[at + 1]! + cost <= limit ? now : state[at]! + perMs),
    take(state, at, time, cost) {
      if (isOver(state, at, time)) {
        state[at] = time;
        state[at + 1] = cost;
      } else state[at + 1]! += cost;
    },
    remaining: (state, at, now) => wholePermits(isOver(state, at, now) ? limit : limit - state[at + 1]!),
    resetAfterMs: (state, at, now) => (isOver(state, at, now) ? 0 : state[at]! + perMs - now),
    giveBack(state, at, cost) {
      state[at + 1]! -= cost;
    },
    // When the window began and what is used of it mean the same at any rate.
    adopt: () => undefined,
  };
  return { ...algorithm, tryTake: (state, at, now, cost) => takeIfAvailable(algorithm, state, at, now, cost) };
}

/** The counts as they stand in a window: [current, previous]. */
function counts(state: Float64Array, at: number, window: number): [number, number] {
  const behind = window - state[at]!;
  if (behind === 0) return [state[at + 1]!, state[at + 2]!];
  return [0, behind === 1 ? state[at + 1]! : 0];
}

/** Sliding window as a counter of two fixed ones: number of the current one, what is used of it, and of the one before. */
function slidingWindow({ limit, perMs }: Rate): Algorithm {
  const weight = (now: number, window: number) => 1 - (now - window * perMs) / perMs;
  const algorithm: Counting = {
    width: 3,
    capacity: limit,
    availableAt(state, at, now, cost) {
      const window = Math.floor(now / perMs);
      const [current, previous] = counts(state, at, window);
      if (previous * weight(now, window) + current + cost <= limit + SAME_MS) return now;
      // The share of the previous window that may still count; where the current one is in the way, in the next window.
      const room = limit - current - cost;
      if (room >= 0) return notBefore(now, (window + 1 - room / previous) * perMs);
      const roomInNext = limit - cost;
      return notBefore(now, (window + (current <= roomInNext ? 1 : 2 - roomInNext / current)) * perMs);
    },
    take(state, at, time, cost) {
      // A forecast time may lie a rounding before the border of the window that it was computed for.
      const window = Math.floor((time + SAME_MS) / perMs);
      const [current, previous] = counts(state, at, window);
      state[at] = window;
      state[at + 1] = current + cost;
      state[at + 2] = previous;
    },
    remaining(state, at, now) {
      const window = Math.floor(now / perMs);
      const [current, previous] = counts(state, at, window);
      return wholePermits(limit - current - previous * weight(now, window));
    },
    resetAfterMs(state, at, now) {
      const window = Math.floor(now / perMs);
      const [current, previous] = counts(state, at, window);
      if (current === 0 && previous === 0) return 0;
      return (window + (current === 0 ? 1 : 2)) * perMs - now;
    },
    giveBack(state, at, cost) {
      state[at + 1]! -= cost;
    },
    // The numbers of windows mean nothing where windows are longer or shorter.
    adopt(state, before) {
      if (before.perMs !== perMs) state.fill(0);
    },
  };
  return { ...algorithm, tryTake: (state, at, now, cost) => takeIfAvailable(algorithm, state, at, now, cost) };
}

/** Leaky bucket as a queue: when the next call may start. */
function leakyBucket(rate: Rate): Algorithm {
  const { limit, perMs, burst } = rate;
  const intervalMs = perMs / limit;
  const algorithm: Counting = {
    width: 1,
    capacity: burst,
    availableAt: (state, at, now) => notBefore(now, state[at]!),
    take(state, at, time, cost) {
      state[at] = Math.max(state[at]!, time) + cost * intervalMs;
    },
    giveBack(state, at, cost) {
      state[at]! -= cost * intervalMs;
    },
    remaining: (state, at, now) => (state[at]! - now < SAME_MS ? 1 : 0),
    resetAfterMs: (state, at, now) => Math.max(0, state[at]! - now),
    adopt: (state, before, now) => adoptDebts(state, before, rate, now),
  };
  return { ...algorithm, tryTake: (state, at, now, cost) => takeIfAvailable(algorithm, state, at, now, cost) };
}

const ALGORITHMS: Record<RateLimitAlgorithm, (rate: Rate) => Algorithm> = {
  'token-bucket': tokenBucket,
  'fixed-window': fixedWindow,
  'sliding-window': slidingWindow,
  'leaky-bucket': leakyBucket,
};

export function createAlgorithm(name: RateLimitAlgorithm, rate: Rate): Algorithm {
  return ALGORITHMS[name](rate);
}
