import type { Algorithm } from './algorithm.js';
import { atOrAfter, HALF_UNIT, refillUnits, type Rate } from './units.js';

/**
 * Token bucket and leaky bucket in two numbers: how much is lent, and when that was so. It is the continuous-state leaky
 * bucket of ITU-T I.371 seen as a meter: what is lent comes back evenly. A token bucket lends up to its capacity
 * at once; a leaky bucket lends only when nothing is lent, so that calls start evenly apart.
 *
 * Time enters only as the difference of two readings, which is exact however long the process has been up.
 */
export function meter(rate: Rate, lends: 'at once' | 'evenly apart'): Algorithm {
  const units = refillUnits(rate, rate.burst);
  const { permit, perMs } = units;
  const full = rate.burst * permit;
  const isPaced = lends === 'evenly apart';

  function lentAt(state: Float64Array, at: number, now: number): number {
    const lent = state[at]!;
    const elapsedMs = now - state[at + 1]!;
    if (lent === 0 || elapsedMs <= 0) return lent;
    const left = lent - elapsedMs * perMs;
    return left > HALF_UNIT ? left : 0;
  }

  /** How much is lent too much for another one of that cost. */
  function excess(state: Float64Array, at: number, now: number, cost: number): number {
    const lent = lentAt(state, at, now);
    return isPaced ? lent : lent + units.of(cost) - full;
  }

  return {
    width: 2,
    capacity: rate.burst,
    sumDecides: true,
    availableAt(state, at, now, cost) {
      const tooMuch = excess(state, at, now, cost);
      if (tooMuch <= HALF_UNIT) return now;
      return atOrAfter(now + tooMuch / perMs, (time) => excess(state, at, time, cost) <= HALF_UNIT);
    },
    take: (state, at, time, cost) => lend(state, at, time, lentAt(state, at, time), units.of(cost)),
    tryTake(state, at, now, cost) {
      // On the way of every call: nothing is looked up that could be a constant here.
      const lent = lentAt(state, at, now);
      const wanted = cost === 1 ? permit : units.of(cost);
      if ((isPaced ? lent : lent + wanted - full) > HALF_UNIT) return false;
      state[at] = lent + wanted;
      if (lent === 0 || now > state[at + 1]!) state[at + 1] = now;
      return true;
    },
    takeInTurn(state, at, now, cost, times) {
      lend(state, at, now, lentAt(state, at, now), units.of(cost) * times);
      return now + Math.max(0, state[at]! - (isPaced ? units.of(cost) : full)) / perMs;
    },
    giveBack(state, at, cost) {
      state[at] = Math.max(0, state[at]! - units.of(cost));
    },
    charge(state, at, now, cost) {
      const lent = lentAt(state, at, now);
      lend(state, at, now, lent, Math.max(0, Math.min(units.of(cost), full - lent)));
    },
    remaining(state, at, now) {
      const lent = lentAt(state, at, now);
      if (isPaced) return lent === 0 ? 1 : 0;
      return Math.max(0, Math.floor((full - lent + HALF_UNIT) / permit));
    },
    resetAfterMs: (state, at, now) => {
      const lent = lentAt(state, at, now);
      return lent === 0 ? 0 : atOrAfter(now + lent / perMs, (time) => lentAt(state, at, time) === 0) - now;
    },
    /** As many permits are lent as before, at the new price. */
    rescale(state, before, now) {
      const old = refillUnits(before, before.burst);
      for (let at = 0; at < state.length; at += 2) {
        const lent = Math.max(0, state[at]! - Math.max(0, now - state[at + 1]!) * old.perMs);
        state[at] = Math.round((lent / old.permit) * units.permit);
        state[at + 1] = now;
      }
    },
  };
}

/** A clock that was set back gives nothing twice; one whose times are negative may begin there. */
function lend(state: Float64Array, at: number, time: number, lent: number, wanted: number): void {
  state[at] = lent + wanted;
  state[at + 1] = lent === 0 ? time : Math.max(state[at + 1]!, time);
}
