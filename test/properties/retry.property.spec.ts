import fc from 'fast-check';
import { policies } from '../../src/core.js';
import { nextDelay } from '../../src/policies/retry/backoff.js';
import { RetryBudget } from '../../src/policies/retry/retry-budget.js';
import { Boom, Lab } from '../support/lab.js';
import { schedule, SCHEDULES } from './support.js';

describe('whatever happens to a retry budget', () => {
  it('a retry that it lets through keeps the retries of the window within what the calls allow', () => {
    fc.assert(
      fc.property(
        fc.record({
          ratio: fc.constantFrom(0, 0.1, 0.2, 1),
          minPerSecond: fc.constantFrom(0, 1, 5),
          window: fc.constantFrom(500, 1000, 3000),
        }),
        schedule(fc.constantFrom('call' as const, 'retry' as const, 'retry' as const), 200),
        (settings, steps) => {
          const budget = new RetryBudget(settings);
          const told: { at: number; what: 'call' | 'retry' }[] = [];
          let now = 0;
          for (const { afterMs, step } of steps) {
            now += afterMs;
            if (step === 'call') {
              budget.countCall(now);
              told.push({ at: now, what: 'call' });
            } else if (budget.tryRetry(now)) {
              told.push({ at: now, what: 'retry' });
              const within = (what: string) => told.filter((one) => one.what === what && one.at > now - settings.window).length;
              expect(within('retry')).toBeLessThanOrEqual(
                settings.ratio * within('call') + (settings.minPerSecond * settings.window) / 1000 + 1e-6,
              );
            }
          }
        },
      ),
      SCHEDULES,
    );
  });
});

describe('whatever the backoff', () => {
  it('a delay is a number from 0 to maxDelay', () => {
    fc.assert(
      fc.property(
        fc.record({
          type: fc.constantFrom('exponential' as const, 'linear' as const, 'constant' as const),
          initialDelay: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
          multiplier: fc.double({ min: 1, max: 100, noNaN: true }),
          jitter: fc.oneof(
            fc.constantFrom('full' as const, 'equal' as const, 'decorrelated' as const, 'none' as const),
            fc.double({ min: 0, max: 1, noNaN: true }),
          ),
        }),
        fc.double({ min: 1, max: 1000, noNaN: true }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (backoff, factor, attempt, previous, random) => {
          const maxDelay = backoff.initialDelay * factor;
          const delay = nextDelay({ ...backoff, maxDelay }, attempt, previous, () => random);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(maxDelay);
        },
      ),
      SCHEDULES,
    );
  });
});

describe('whatever the pipeline', () => {
  it('each layer that let an attempt pass is told exactly once how it ended', async () => {
    const outcome = fc.record({
      how: fc.constantFrom('ok', 'fail', 'fail', 'hang'),
      durationMs: fc.integer({ min: 0, max: 120 }),
      abortAfterMs: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined, freq: 4 }),
    });
    const kinds = ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...kinds], { minLength: kinds.length }),
        fc.subarray([...kinds]),
        schedule(outcome, 60),
        async (order, chosen, steps) => {
          const lab = new Lab({ order });
          const available = {
            fallback: policies.fallback({ tiers: [async () => 'FB', () => 'FB'], validate: () => true }),
            retry: policies.retry({ maxAttempts: 3, backoff: '15ms' }),
            circuitBreaker: policies.circuitBreaker({ name: 'b', consecutiveFailures: 3, openDuration: '40ms', halfOpenTimeout: '100ms' }),
            rateLimit: policies.rateLimit({ name: 'l', limit: 10, per: '100ms', maxWait: '50ms' }),
            timeout: policies.timeout({ duration: '50ms', total: '130ms' }),
            bulkhead: policies.bulkhead({ name: 'p', maxConcurrent: 2, maxQueue: 2, queueTimeout: '30ms' }),
          };
          const policy = policies.combine(...chosen.map((kind) => available[kind]));
          const settled: (() => void)[] = [];
          let ended = 0;
          for (const { afterMs, step } of steps) {
            await lab.clock.advance(afterMs);
            const controller = new AbortController();
            if (step.abortAfterMs !== undefined) lab.clock.setTimer(() => controller.abort(new Error('gone')), step.abortAfterMs);
            lab.resilience
              .execute(
                policy,
                () =>
                  step.how === 'hang'
                    ? new Promise((_resolve, reject) => settled.push(() => reject(new Boom('at last'))))
                    : lab.play(`${step.how}@${step.durationMs}`),
                { signal: controller.signal, name: 'op' },
              )
              .catch(() => undefined)
              .finally(() => ended++);
          }
          await lab.clock.advance('10s');
          for (let attempt = 1; attempt <= 3; attempt++) {
            settled.splice(0).forEach((settle) => settle());
            await lab.clock.advance('10s');
          }
          expect(ended).toBe(steps.length);
          expect(lab.clock.pendingTimers).toBe(0);
          for (const bulkhead of lab.resilience.bulkheads()) expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0]);
          for (const limiter of lab.resilience.rateLimiters()) expect(limiter.waiting).toBe(0);
          for (const breaker of lab.resilience.circuitBreakers()) {
            for (let trial = 0; trial < 3 && breaker.state !== 'closed'; trial++) {
              await lab.clock.advance('1s');
              breaker.tryAcquire()?.success();
            }
            expect(breaker.state).toBe('closed');
          }
          const { operations, successes, failures, aborts } = lab.resilience.metrics('op');
          expect(successes + failures + aborts).toBe(operations);
        },
      ),
      SCHEDULES,
    );
  });
});
