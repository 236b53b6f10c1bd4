import fc from 'fast-check';
import { BulkheadFullError, policies } from '../../src/core.js';
import { Lab } from '../support/lab.js';
import { schedule, SCHEDULES } from './support.js';

interface Arrival {
  readonly kind: 'call';
  readonly durationMs: number;
  readonly fails: boolean;
  readonly priority: number;
  readonly abortAfterMs: number | undefined;
}
interface Resize {
  readonly kind: 'resize';
  readonly to: number;
}

const arrival: fc.Arbitrary<Arrival> = fc.record({
  kind: fc.constant('call' as const),
  durationMs: fc.integer({ min: 0, max: 60 }),
  fails: fc.boolean(),
  priority: fc.integer({ min: 0, max: 2 }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined, freq: 4 }),
});
const resize: fc.Arbitrary<Resize> = fc.record({ kind: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 4 }) });

describe('whatever happens to a bulkhead', () => {
  it('permits neither leak nor exceed the limit, the queue keeps its bounds, and no waiter is overtaken within its priority', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxConcurrent: fc.integer({ min: 1, max: 3 }),
          maxQueue: fc.integer({ min: 1, max: 4 }),
          queueTimeout: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
          overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const),
          timeoutMs: fc.integer({ min: 1, max: 70 }),
        }),
        schedule(fc.oneof({ weight: 6, arbitrary: arrival }, { weight: 1, arbitrary: resize }), 30),
        async ({ queueTimeout, timeoutMs, ...options }, steps) => {
          const lab = new Lab();
          const settings = {
            name: 'b',
            priority: ((priority: number) => priority) as never,
            ...options,
            ...(queueTimeout === undefined ? {} : { queueTimeout }),
          };
          const policy = policies.combine(policies.timeout(timeoutMs), policies.bulkhead(settings));
          let [running, ended] = [0, 0];
          const started: { priority: number; arrived: number; at: number }[] = [];
          const calls = steps.filter(({ step }) => step.kind === 'call').length;
          const bulkhead = lab.resilience.bulkhead('b', settings);
          let arrived = 0;
          for (const { afterMs, step } of steps) {
            await lab.clock.advance(afterMs);
            if (step.kind === 'resize') {
              bulkhead.resize(step.to);
              continue;
            }
            const me = { priority: step.priority, arrived: arrived++, at: 0 };
            const controller = new AbortController();
            if (step.abortAfterMs !== undefined) lab.clock.setTimer(() => controller.abort(new Error('gone')), step.abortAfterMs);
            lab.resilience
              .execute(
                policy,
                async () => {
                  running++;
                  started.push({ ...me, at: lab.clock.now() });
                  expect(running).toBeLessThanOrEqual(4);
                  try {
                    await lab.play(`${step.fails ? 'fail' : 'ok'}@${step.durationMs}`);
                  } finally {
                    running--;
                  }
                },
                { args: [step.priority], signal: controller.signal },
              )
              .then(
                () => ended++,
                (error: unknown) => {
                  ended++;
                  if (error instanceof BulkheadFullError && error.reason === 'capacity')
                    expect(bulkhead.queued).toBeLessThanOrEqual(options.maxQueue);
                },
              );
            expect(bulkhead.queued).toBeLessThanOrEqual(options.maxQueue);
          }
          await lab.clock.advance('10s');
          expect({ running: bulkhead.running, queued: bulkhead.queued, ended }).toEqual({ running: 0, queued: 0, ended: calls });
          expect(lab.clock.pendingTimers).toBe(0);
          for (const [index, one] of started.entries()) {
            const overtaken = started.slice(index + 1).some((later) => later.priority === one.priority && later.arrived < one.arrived);
            expect(overtaken).toBe(false);
          }
        },
      ),
      SCHEDULES,
    );
  });

  it('never more than the limit run at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 4 }),
        schedule(arrival, 20),
        async (maxConcurrent, maxQueue, steps) => {
          const lab = new Lab();
          const policy = policies.bulkhead({ name: 'b', maxConcurrent, maxQueue });
          let [running, highest] = [0, 0];
          for (const { afterMs, step } of steps) {
            await lab.clock.advance(afterMs);
            lab.resilience
              .execute(policy, async () => {
                highest = Math.max(highest, ++running);
                await lab.play(`ok@${step.durationMs}`);
                running--;
              })
              .catch(() => undefined);
          }
          await lab.clock.advance('10s');
          expect(highest).toBeLessThanOrEqual(maxConcurrent);
          expect(lab.resilience.bulkhead('b').running).toBe(0);
        },
      ),
      SCHEDULES,
    );
  });
});
