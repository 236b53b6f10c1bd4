import fc from 'fast-check';
import { createResilience, type RateLimitAlgorithm } from '../../src/core.js';
import { algorithmOf } from '../../src/policies/rate-limit/counting/algorithms.js';
import { schedule, SCHEDULES } from './support.js';

const YEAR = 365 * 86_400_000;

/** What a limiter by definition admits, in fractions that are exact: everything is an integer times 1 / (limit * 10). */
interface Model {
  take(now: bigint, costTenths: bigint): boolean;
}

interface Rate {
  readonly limit: bigint;
  readonly perMs: bigint;
  readonly burst: bigint;
}

const largest = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Lent tenths of permits times `perMs`; `limit * 10` of them come back in a millisecond. */
function bucket({ limit, perMs, burst }: Rate, isPaced: boolean): Model {
  let [lent, at] = [0n, 0n];
  return {
    take(now, costTenths) {
      const left = largest(0n, lent - (now - at) * limit * 10n);
      const wanted = costTenths * perMs;
      if (isPaced ? left > 0n : left + wanted > burst * 10n * perMs) return false;
      [lent, at] = [left + wanted, now];
      return true;
    },
  };
}

function fixed({ limit, perMs }: Rate): Model {
  let [start, used] = [-1n, 0n];
  return {
    take(now, costTenths) {
      const isOver = used === 0n || now >= start + perMs;
      if (!isOver && used + costTenths > limit * 10n) return false;
      [start, used] = isOver ? [now, costTenths] : [start, used + costTenths];
      return true;
    },
  };
}

function sliding({ limit, perMs }: Rate): Model {
  const used = new Map<bigint, bigint>();
  return {
    take(now, costTenths) {
      const window = now / perMs;
      const before = (used.get(window - 1n) ?? 0n) * ((window + 1n) * perMs - now);
      const current = used.get(window) ?? 0n;
      if (before + (current + costTenths) * perMs > limit * 10n * perMs) return false;
      used.set(window, current + costTenths);
      return true;
    },
  };
}

const MODELS: Record<RateLimitAlgorithm, (rate: Rate) => Model> = {
  'token-bucket': (rate) => bucket(rate, false),
  'leaky-bucket': (rate) => bucket(rate, true),
  'fixed-window': fixed,
  'sliding-window': sliding,
};

const rate = fc.record({
  limit: fc.oneof(fc.integer({ min: 3, max: 20 }), fc.constantFrom(997, 99_991, 999_983, 1_000_000)),
  perMs: fc.constantFrom(100, 333, 1000, 60_000, 3_600_000),
});
/** Costs in tenths of a permit: a small one, or a share of the limit in percent. */
const cost = fc.record({ tenths: fc.integer({ min: 1, max: 30 }), percent: fc.constantFrom(0, 0, 10, 33, 50) });

describe.each(['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'] as const)('a %s limiter', (algorithm) => {
  it('admits exactly what its definition in whole numbers admits, at the start, after a day and after a year', () => {
    fc.assert(
      fc.property(rate, fc.constantFrom(0, 86_400_000, YEAR), schedule(cost, 400), ({ limit, perMs }, origin, steps) => {
        let now = origin;
        const clock = { now: () => now, setTimer: () => 0, clearTimer: () => undefined };
        const limiter = createResilience({ clock }).rateLimiter('l', { limit, per: perMs, algorithm });
        const model = MODELS[algorithm]({ limit: BigInt(limit), perMs: BigInt(perMs), burst: BigInt(limit) });
        for (const { afterMs, step } of steps) {
          now += afterMs;
          const tenths = Math.min(limit * 10, Math.max(step.tenths, Math.floor((limit * step.percent) / 10)));
          expect(limiter.tryAcquire({ cost: tenths / 10 })).toBe(model.take(BigInt(now), BigInt(tenths)));
        }
      }),
      SCHEDULES,
    );
  });

  it('forecasts a line at once as it does one by one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(100, 333, 1000),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(0, YEAR),
        fc.integer({ min: 0, max: 1500 }),
        (limit, perMs, before, price, times, origin, afterMs) => {
          const counting = algorithmOf(algorithm, { limit, perMs, burst: limit });
          const each = Math.min(price, limit);
          // One by one each time is rounded to the next that a clock can tell, 4e-6 ms after a year.
          const tolerance = origin === 0 ? 1e-6 : 2e-3;
          const state = new Float64Array(counting.width);
          let now = origin;
          const takeNext = (wanted: number): void => {
            now = counting.availableAt(state, 0, now, wanted);
            counting.take(state, 0, now, wanted);
          };
          for (const earlier of before) takeNext(Math.min(earlier, limit));
          now += afterMs;
          const copy = state.slice();
          const asked = now;
          for (let index = 0; index < times; index++) takeNext(each);
          const last = counting.takeInTurn(copy, 0, asked, each, times);
          expect(Math.abs(last - now)).toBeLessThan(tolerance);
          expect(Math.abs(counting.availableAt(copy, 0, last, each) - counting.availableAt(state, 0, now, each))).toBeLessThan(tolerance);
        },
      ),
      SCHEDULES,
    );
  });
});

describe('the bound of a stretch of time', () => {
  /** What got through in each stretch that begins and ends with a call: what it took, and how long it was. */
  function stretches(algorithm: RateLimitAlgorithm, limit: number, perMs: number, bursts: readonly (readonly [number, number])[]) {
    const counting = algorithmOf(algorithm, { limit, perMs, burst: limit });
    const state = new Float64Array(counting.width);
    const taken: number[] = [];
    let now = 0;
    for (const [afterMs, calls] of bursts) {
      now += afterMs;
      for (let call = 0; call < calls; call++) if (counting.tryTake(state, 0, now, 1)) taken.push(now);
    }
    return taken.flatMap((from, first) => taken.slice(first).map((to, more) => ({ lasted: to - from, passed: more + 1 })));
  }

  it.each(['token-bucket', 'sliding-window', 'leaky-bucket'] as const)('is limit × (1 + its length / per) for a %s', (algorithm) => {
    const burst = fc.tuple(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 12 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(burst, { maxLength: 25 }),
        (limit, perMs, bursts) => {
          const over = stretches(algorithm, limit, perMs, bursts).filter(
            ({ lasted, passed }) => passed > limit * (1 + lasted / perMs) + 1e-6,
          );
          expect(over).toEqual([]);
        },
      ),
      SCHEDULES,
    );
  });

  it('is reached by who times it: nearly twice the limit in one period, from a sliding window as from a full bucket', () => {
    const late: [number, number][] = [[1900, 10], ...Array.from({ length: 99 }, (): [number, number] => [10, 1])];
    const most = (algorithm: RateLimitAlgorithm): number =>
      Math.max(...stretches(algorithm, 10, 1000, late).map(({ lasted, passed }) => (lasted < 1000 ? passed : 0)));
    expect(most('sliding-window')).toBe(18);
    expect(most('token-bucket')).toBe(19);
  });

  it('is broken by a fixed window, which lets nearly twice the limit through within a millisecond', () => {
    const border: [number, number][] = [
      [0, 1],
      [999, 9],
      [1, 10],
    ];
    const atOnce = stretches('fixed-window', 10, 1000, border).filter(({ lasted }) => lasted <= 1);
    expect(Math.max(...atOnce.map(({ passed }) => passed))).toBe(19);
  });
});
