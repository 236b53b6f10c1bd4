import fc from 'fast-check';
import { policies, type MetricFamily } from '../../src/core.js';
import { Lab } from '../support/lab.js';

const SCRIPTS = ['ok', 'ok@30', 'fail', 'fail@20', 'fail ok', 'fail@20 ok@30', 'hang'] as const;

/** The sum of all series of a metric. */
function sumOf(families: readonly MetricFamily[], name: string): number {
  const { series } = families.find((family) => family.name === name)!;
  return series.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0);
}

const everything = policies.combine(
  policies.fallback({ tiers: [() => 'instead'], on: (error) => String(error).includes('limit') }),
  policies.retry({ maxAttempts: 3, backoff: 10 }),
  policies.circuitBreaker({ consecutiveFailures: 3, openDuration: 100, key: (client: string) => client, maxKeys: 3 }),
  policies.rateLimit({ limit: 20, per: '1s', maxWait: 50 }),
  policies.timeout({ duration: 50, total: 200 }),
  policies.bulkhead({ maxConcurrent: 2, maxQueue: 2, queueTimeout: 60, key: (client: string) => client, maxKeys: 3 }),
);

const calls = fc.array(
  fc.record({
    script: fc.constantFrom(...SCRIPTS),
    client: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    afterMs: fc.integer({ min: 0, max: 40 }),
    abortMs: fc.option(fc.integer({ min: 1, max: 80 }), { freq: 5 }),
  }),
  { minLength: 1, maxLength: 40 },
);

describe('metrics, whatever happens', () => {
  it('count each call once, agree with each other, never go back, and are empty when nothing runs', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (plan) => {
        const lab = new Lab();
        lab.resilience.measure();
        let before = new Map<string, number>();
        for (const { script, client, afterMs, abortMs } of plan) {
          const controller = new AbortController();
          lab.call(everything, script, { name: 'op', args: [client], signal: controller.signal });
          if (abortMs !== null) lab.clock.setTimer(() => controller.abort(), abortMs);
          await lab.clock.advance(afterMs);
          const families = lab.resilience.collect();
          const now = new Map(families.filter(({ type }) => type !== 'gauge').map(({ name }) => [name, sumOf(families, name)]));
          for (const [name, value] of now) expect([name, value >= (before.get(name) ?? 0)]).toEqual([name, true]);
          before = now;
        }
        await lab.clock.advance('10s');

        const families = lab.resilience.collect();
        const sum = (name: string): number => sumOf(families, name);
        const { total } = lab.resilience.metrics();
        expect(sum('operation_calls_total')).toBe(plan.length);
        expect(sum('operation_duration_seconds')).toBe(plan.length);
        expect(sum('operation_errors_total')).toBe(total.failures);
        expect(sum('retry_attempts_total')).toBe(total.retryAttempts);
        expect(sum('timeout_exceeded_total')).toBe(total.timeouts);
        const outcomes = ['successful', 'failed', 'rejected'].map((outcome) => sum(`circuit_breaker_requests_${outcome}`));
        expect(sum('circuit_breaker_requests_total')).toBe(outcomes[0]! + outcomes[1]! + outcomes[2]!);
        expect(sum('circuit_breaker_request_duration_seconds')).toBe(outcomes[0]! + outcomes[1]!);
        expect(sum('rate_limit_requests_total')).toBe(sum('rate_limit_requests_allowed') + sum('rate_limit_requests_rejected'));
        expect(sum('rate_limit_requests_rejected')).toBe(total.rateLimitHits);
        expect(sum('bulkhead_requests_rejected')).toBe(total.bulkheadRejections);
        expect(sum('bulkhead_requests_timeout')).toBeLessThanOrEqual(total.bulkheadRejections);
        expect(sum('rate_limit_waiting_requests') + sum('bulkhead_queued_requests')).toBe(0);
        // A method that never ends keeps its place.
        expect(sum('bulkhead_active_requests')).toBe(lab.resilience.bulkhead('op').running);
        expect(total.attempts).toBe(plan.length + total.retryAttempts);
      }),
      { numRuns: 150 },
    );
  });
});
