import type { Algorithm } from './algorithm.js';
import { atOrAfter, countingUnits, HALF_UNIT, type Rate } from './units.js';

type Counting = Omit<Algorithm, 'tryTake'>;

function withTryTake(algorithm: Counting): Algorithm {
  return {
    ...algorithm,
    tryTake(state, at, now, cost) {
      if (algorithm.availableAt(state, at, now, cost) > now) return false;
      algorithm.take(state, at, now, cost);
      return true;
    },
  };
}

/** Fixed window: when it began, and what is used of it (0: none has begun). */
export function fixedWindow(rate: Rate): Algorithm {
  const { limit, perMs } = rate;
  const units = countingUnits(limit, 1);
  const full = limit * units.permit;
  const isOver = (state: Float64Array, at: number, now: number): boolean => state[at + 1] === 0 || now >= state[at]! + perMs;
  return withTryTake({
    width: 2,
    capacity: limit,
    sumDecides: false,
    availableAt: (state, at, now, cost) => (isOver(state, at, now) || state[at + 1]! + units.of(cost) <= full ? now : state[at]! + perMs),
    take(state, at, time, cost) {
      if (isOver(state, at, time)) {
        state[at] = time;
        state[at + 1] = units.of(cost);
      } else state[at + 1]! += units.of(cost);
    },
    takeInTurn(state, at, now, cost, times) {
      const price = units.of(cost);
      if (price === 0) return now;
      if (isOver(state, at, now)) {
        state[at] = now;
        state[at + 1] = 0;
      }
      const fitting = Math.max(0, Math.floor((full - state[at + 1]!) / price));
      if (times <= fitting) {
        state[at + 1]! += price * times;
        return Math.max(now, state[at]!);
      }
      const each = Math.floor(full / price);
      const windows = Math.ceil((times - fitting) / each);
      state[at]! += windows * perMs;
      state[at + 1] = (times - fitting - (windows - 1) * each) * price;
      return state[at]!;
    },
    giveBack(state, at, cost) {
      state[at + 1] = Math.max(0, state[at + 1]! - units.of(cost));
    },
    charge(state, at, now, cost) {
      if (isOver(state, at, now)) [state[at], state[at + 1]] = [now, 0];
      state[at + 1] = Math.max(state[at + 1]!, Math.min(full, state[at + 1]! + units.of(cost)));
    },
    remaining: (state, at, now) => Math.max(0, Math.floor((isOver(state, at, now) ? full : full - state[at + 1]!) / units.permit)),
    resetAfterMs: (state, at, now) => (isOver(state, at, now) ? 0 : state[at]! + perMs - now),
    /** When the window began and what is used of it mean the same at any rate. */
    rescale(state, before) {
      const old = countingUnits(before.limit, 1);
      for (let at = 1; at < state.length; at += 2) state[at] = Math.round((state[at]! / old.permit) * units.permit);
    },
  });
}

const currentIn = (state: Float64Array, at: number, window: number): number => (window === state[at]! ? state[at + 1]! : 0);
const previousIn = (state: Float64Array, at: number, window: number): number =>
  window === state[at]! ? state[at + 2]! : window === state[at]! + 1 ? state[at + 1]! : 0;

/**
 * Sliding window as a counter of two fixed ones, aligned to the clock: number of the current one, what is used of it, and
 * of the one before, which counts by the share of it that the sliding window still covers.
 */
export function slidingWindow(rate: Rate): Algorithm {
  const { limit, perMs } = rate;
  const units = countingUnits(limit, perMs);
  const full = limit * units.permit;

  function windowAt(time: number): number {
    const window = Math.floor(time / perMs);
    if ((window + 1) * perMs <= time) return window + 1;
    return window * perMs > time ? window - 1 : window;
  }
  /** The window of a time, or the one that is counted in already where the clock was set back. */
  function windowIn(state: Float64Array, at: number, now: number): number {
    const window = windowAt(now);
    return window < state[at]! && (state[at + 1]! > 0 || state[at + 2]! > 0) ? state[at]! : window;
  }
  /** What the window before counts, times `perMs`: the division would round. */
  const weighed = (previous: number, window: number, now: number): number => previous * ((window + 1) * perMs - now);

  function fits(state: Float64Array, at: number, now: number, price: number): boolean {
    const window = windowIn(state, at, now);
    const previous = previousIn(state, at, window);
    return weighed(previous, window, now) + (currentIn(state, at, window) + price - full) * perMs <= HALF_UNIT;
  }

  /** When so little of the previous window counts that there is room; the end of the window where there is none in it. */
  const roomAt = (window: number, previous: number, room: number): number =>
    previous <= room ? window * perMs : (window + 1 - room / previous) * perMs;

  return withTryTake({
    width: 3,
    capacity: limit,
    sumDecides: false,
    availableAt(state, at, now, cost) {
      const price = units.of(cost);
      if (fits(state, at, now, price)) return now;
      const window = windowIn(state, at, now);
      const current = currentIn(state, at, window);
      const room = full - current - price;
      const time = room >= 0 ? roomAt(window, previousIn(state, at, window), room) : roomAt(window + 1, current, full - price);
      return atOrAfter(Math.max(now, time), (later) => fits(state, at, later, price));
    },
    take(state, at, time, cost) {
      const window = windowIn(state, at, time);
      const [current, previous] = [currentIn(state, at, window), previousIn(state, at, window)];
      state[at] = window;
      state[at + 1] = current + units.of(cost);
      state[at + 2] = previous;
    },
    takeInTurn(state, at, now, cost, times) {
      const price = units.of(cost);
      if (price === 0) return now;
      let window = windowIn(state, at, now);
      let current = currentIn(state, at, window);
      let previous = previousIn(state, at, window);
      let left = times;
      // While something of the window before counts, the last permit is free only at the end, which is in the next window.
      const inOne = (used: number, before: number): number =>
        Math.max(0, before === 0 ? Math.floor((full - used) / price) : Math.ceil((full - used) / price) - 1);
      for (let windows = 0; ; windows++) {
        const taken = Math.min(left, inOne(current, previous));
        current += taken * price;
        left -= taken;
        if (left === 0 || (windows >= 2 && current > 0)) break;
        window++;
        previous = current;
        current = 0;
      }
      if (left > 0) {
        // From here on each window is like the one before, or, where a call takes all there is, like the one before that.
        const each = inOne(0, 1);
        const [inCycle, cycle] = each === 0 ? [1, 2] : [each, 1];
        const cycles = Math.ceil(left / inCycle);
        window += cycles * cycle;
        previous = each === 0 ? 0 : each * price;
        current = (left - (cycles - 1) * inCycle) * price;
      }
      state[at] = window;
      state[at + 1] = current;
      state[at + 2] = previous;
      return Math.max(now, roomAt(window, previous, full - current));
    },
    charge(state, at, now, cost) {
      const window = windowIn(state, at, now);
      const [current, previous] = [currentIn(state, at, window), previousIn(state, at, window)];
      state[at] = window;
      state[at + 1] = Math.max(current, Math.min(full, current + units.of(cost)));
      state[at + 2] = previous;
    },
    remaining(state, at, now) {
      const window = windowIn(state, at, now);
      const used = currentIn(state, at, window) * perMs + weighed(previousIn(state, at, window), window, now);
      return Math.max(0, Math.floor((full * perMs - used + HALF_UNIT) / (units.permit * perMs)));
    },
    resetAfterMs(state, at, now) {
      const window = windowIn(state, at, now);
      const [current, previous] = [currentIn(state, at, window), previousIn(state, at, window)];
      if (current === 0 && previous === 0) return 0;
      return (window + (current === 0 ? 1 : 2)) * perMs - now;
    },
    giveBack(state, at, cost) {
      state[at + 1] = Math.max(0, state[at + 1]! - units.of(cost));
    },
    /** Where windows become longer or shorter, what counts now is put into the one that runs. */
    rescale(state, before, now) {
      const old = countingUnits(before.limit, before.perMs);
      const oldWindow = Math.floor(now / before.perMs);
      const share = oldWindow + 1 - now / before.perMs;
      for (let at = 0; at < state.length; at += 3) {
        for (const index of [at + 1, at + 2]) state[index] = Math.round((state[index]! / old.permit) * units.permit);
        if (before.perMs === perMs) continue;
        const used = currentIn(state, at, oldWindow) + previousIn(state, at, oldWindow) * share;
        state[at] = windowAt(now);
        state[at + 1] = Math.ceil(used);
        state[at + 2] = 0;
      }
    },
  });
}
