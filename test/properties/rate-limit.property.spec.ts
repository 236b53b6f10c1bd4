import fc from 'fast-check';
import { RateLimitExceededError, type RateLimitAlgorithm } from '../../src/core.js';
import { Lab } from '../support/lab.js';
import { schedule, SCHEDULES } from './support.js';

const request = fc.record({
  cost: fc.integer({ min: 1, max: 3 }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined, freq: 5 }),
});
const rate = fc.record({ limit: fc.integer({ min: 3, max: 8 }), per: fc.constantFrom(100, 1000, 333) });

/** The most that may start in any stretch of `per`, by the meaning of each algorithm. */
const MOST: Record<RateLimitAlgorithm, (limit: number) => number> = {
  'token-bucket': (limit) => 2 * limit, // a full bucket and a refill
  'fixed-window': (limit) => 2 * limit, // the ends of two windows
  'sliding-window': (limit) => 2 * limit,
  'leaky-bucket': (limit) => limit + 3, // a cost may hang over
};

describe.each(['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'] as const)(
  'whatever happens to a %s limiter',
  (algorithm) => {
    it('it never admits more than it should, keeps the order, loses nobody and keeps no timer', async () => {
      await fc.assert(
        fc.asyncProperty(rate, fc.constantFrom(0, 100, 5000), schedule(request, 150), async ({ limit, per }, maxWait, steps) => {
          const lab = new Lab();
          const limiter = lab.resilience.rateLimiter('l', { limit, per, algorithm, maxWait });
          const started: { index: number; at: number; cost: number }[] = [];
          let ended = 0;
          for (const [index, { afterMs, step }] of steps.entries()) {
            await lab.clock.advance(afterMs);
            const controller = new AbortController();
            if (step.abortAfterMs !== undefined) lab.clock.setTimer(() => controller.abort(new Error('gone')), step.abortAfterMs);
            const asked = lab.clock.now();
            limiter
              .acquire({ cost: step.cost, signal: controller.signal })
              .then(
                () => {
                  started.push({ index, at: lab.clock.now(), cost: step.cost });
                  expect(lab.clock.now() - asked).toBeLessThanOrEqual(maxWait + 0.001);
                },
                (error: unknown) => {
                  if (error instanceof RateLimitExceededError) expect(lab.clock.now()).toBe(asked);
                },
              )
              .finally(() => ended++);
          }
          await lab.clock.advance('1m');
          expect(ended).toBe(steps.length);
          expect([limiter.waiting, lab.clock.pendingTimers]).toEqual([0, 0]);
          expect(started.map(({ index }) => index)).toEqual(started.map(({ index }) => index).toSorted((a, b) => a - b));
          for (const { at } of started) {
            const cost = started.filter((other) => other.at >= at && other.at < at + per).reduce((sum, other) => sum + other.cost, 0);
            expect(cost).toBeLessThanOrEqual(MOST[algorithm](limit) + 1e-6);
          }
        }),
        SCHEDULES,
      );
    });
  },
);

describe('a token bucket', () => {
  it('admits exactly what a bucket that is counted in tokens admits', async () => {
    await fc.assert(
      fc.asyncProperty(rate, fc.integer({ min: 3, max: 10 }), schedule(request, 150), async ({ limit, per }, burst, steps) => {
        const lab = new Lab();
        const limiter = lab.resilience.rateLimiter('l', { limit, per, burst });
        let [tokens, at] = [burst, 0];
        for (const { afterMs, step } of steps) {
          await lab.clock.advance(afterMs);
          tokens = Math.min(burst, tokens + ((lab.clock.now() - at) * limit) / per);
          at = lab.clock.now();
          const admitted = tokens + 1e-6 >= step.cost;
          if (admitted) tokens -= step.cost;
          expect(limiter.tryAcquire({ cost: step.cost })).toBe(admitted);
        }
      }),
      SCHEDULES,
    );
  });
});

describe('a fixed window', () => {
  it('admits exactly its limit from the first call on, until it is over', async () => {
    await fc.assert(
      fc.asyncProperty(rate, schedule(request, 150), async ({ limit, per }, steps) => {
        const lab = new Lab();
        const limiter = lab.resilience.rateLimiter('l', { limit, per, algorithm: 'fixed-window' });
        let [start, used] = [-Infinity, 0];
        for (const { afterMs, step } of steps) {
          await lab.clock.advance(afterMs);
          const now = lab.clock.now();
          const over = now >= start + per;
          const admitted = over || used + step.cost <= limit;
          if (admitted) [start, used] = over ? [now, step.cost] : [start, used + step.cost];
          expect(limiter.tryAcquire({ cost: step.cost })).toBe(admitted);
        }
      }),
      SCHEDULES,
    );
  });
});
