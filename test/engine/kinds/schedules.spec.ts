import fc from 'fast-check';
import { bulkheadKind, type Bulkhead } from '../../../src/policies/bulkhead/index.js';
import { timeoutKind } from '../../../src/policies/timeout/index.js';
import { Bench, Witness, witnessed } from './bench.js';
import { faultKind } from './fault.js';
import { hedgeKind } from './hedge.js';
import { memoryCacheKind } from './memory-cache.js';
import { singleFlightKind } from './single-flight.js';
import { storeLimitKind } from './store-limit.js';

const KINDS = ['cache', 'flight', 'hedge', 'store', 'limit', 'bulkhead', 'fault'] as const;

const attempt = fc.record({ delayMs: fc.integer({ min: 0, max: 120 }), fails: fc.boolean() });
const callsArbitrary = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 300 }),
    key: fc.constantFrom('a', 'b'),
    abortAfterMs: fc.option(fc.integer({ min: 0, max: 150 }), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 8 },
);

describe('whatever the order of the kinds and the schedule of calls, aborts and failures', () => {
  it('every call is answered once, whoever let an attempt pass is told once, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...KINDS], { minLength: 1 }),
        callsArbitrary,
        fc.array(attempt, { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 80 }), { minLength: 1, maxLength: 5 }),
        async (order, calls, attempts, storeDelays) => {
          let bench!: Bench;
          let permits = 0;
          let asked = 0;
          const store = {
            take: async () => {
              permits++;
              await bench.after(storeDelays[asked++ % storeDelays.length]!, true);
              return true;
            },
            giveBack: () => Promise.resolve(void permits--),
          };
          const policies = {
            cache: [memoryCacheKind, { ttlMs: 40 }],
            flight: [singleFlightKind, {}],
            hedge: [hedgeKind, { delayMs: 20 }],
            store: [storeLimitKind, { store, timeoutMs: 40, failOpen: true }],
            limit: [timeoutKind, { duration: 70 }],
            bulkhead: [bulkheadKind, { maxConcurrent: 2, maxQueue: 1, overflow: 'reject-new', releaseAfter: 10_000, maxKeys: 9 }],
            fault: [faultKind, { latencyMs: 5 }],
          } as const;
          const witnesses: Witness[] = [];
          const witness = (): ReturnType<typeof witnessed> => {
            witnesses.push(new Witness());
            return witnessed(witnesses.at(-1)!);
          };
          bench = new Bench(witness(), ...order.flatMap((name) => [policies[name], witness()]));
          let invoked = 0;
          let running = 0;
          const method = async (): Promise<unknown> => {
            const { delayMs, fails } = attempts[invoked++ % attempts.length]!;
            running++;
            try {
              return await bench.after(delayMs, fails ? new Error('down') : 'value');
            } finally {
              running--;
            }
          };
          let answered = 0;
          for (const { atMs, key, abortAfterMs } of calls) {
            bench.clock.setTimer(() => {
              const controller = new AbortController();
              if (abortAfterMs !== undefined) bench.clock.setTimer(() => controller.abort(new Error('enough')), abortAfterMs);
              void bench.call(method, [key], controller.signal).then(() => answered++);
            }, atMs);
          }
          await bench.clock.advance(12_000);
          expect({ answered, running, permits, left: bench.leftovers() }).toEqual({
            answered: calls.length,
            running: 0,
            permits: 0,
            left: [],
          });
          for (const { passed, told } of witnesses) expect(told).toHaveLength(passed);
          expect(bench.complaints).toEqual([]);
          const bulkhead = bench.registry.find('bulkhead', 'op') as Bulkhead | undefined;
          expect([bulkhead?.running ?? 0, bulkhead?.queued ?? 0]).toEqual([0, 0]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
