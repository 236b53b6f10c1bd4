import fc from 'fast-check';
import { Redis } from 'ioredis';
import type { RateLimitAlgorithm } from '../../src/core.js';
import { algorithmOf } from '../../src/policies/rate-limit/counting/algorithms.js';
import type { LimitStore, PermitAnswer, SharedLimit } from '../../src/policies/rate-limit/shared/limit-store.js';
import { MemoryLimits } from '../../src/testing/memory-store/memory-limits.js';
import { Lab } from '../support/lab.js';
import { startRedis, type RedisServer } from '../support/redis/index.js';
import { schedule } from '../properties/support.js';
import { injectedLimits } from './injected-redis.js';

const ALGORITHMS: readonly RateLimitAlgorithm[] = ['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'];

/** Each step is a round trip, so fewer than where all is in memory. */
const RUNS = { numRuns: Number(process.env['SHARED_SCHEDULES'] ?? 40) };

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.port, server.host);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

let names = 0;
const limitOf = (algorithm: RateLimitAlgorithm, limit: number, perMs: number, burst = limit): SharedLimit => ({
  name: `l${++names}`,
  algorithm,
  limit,
  perMs,
  burst,
});

interface Time {
  now: number;
}

/** The stores that have to say the same, by one time. */
function storesAt(time: Time): Record<'memory' | 'redis', LimitStore> {
  return { memory: new MemoryLimits().for(() => time.now), redis: injectedLimits(client, () => time.now) };
}

const rate = fc.record({
  limit: fc.oneof(fc.integer({ min: 3, max: 20 }), fc.constantFrom(997, 99_991)),
  perMs: fc.constantFrom(100, 333, 1000, 60_000),
});
const origin = fc.constantFrom(0, 1_795_000_000_000);

const ask = fc.record({
  key: fc.constantFrom(undefined, 'a', 'b'),
  tenths: fc.integer({ min: 0, max: 30 }),
  percent: fc.constantFrom(0, 0, 10, 33, 50),
  times: fc.constantFrom(1, 1, 2, 7),
});

describe.each(ALGORITHMS)('a shared %s', (algorithm) => {
  it('lets pass in memory and on Redis what the engine lets pass by itself', async () => {
    await fc.assert(
      fc.asyncProperty(
        rate,
        origin,
        schedule(fc.array(ask, { minLength: 1, maxLength: 3 }), 400),
        async ({ limit, perMs }, from, steps) => {
          const time = { now: from };
          const stores = storesAt(time);
          const shared = limitOf(algorithm, limit, perMs);
          const counting = algorithmOf(algorithm, shared);
          const states = new Map<string | undefined, Float64Array>();
          for (const { afterMs, step } of steps) {
            time.now += afterMs;
            const asks = step.map(({ key, tenths, percent, times }) => {
              const cost = Math.min(limit * 10, Math.max(tenths, Math.floor((limit * percent) / 10))) / 10;
              return { key, cost, times };
            });
            const expected = asks.map(({ key, cost, times }) => {
              const state = states.get(key) ?? new Float64Array(counting.width);
              states.set(key, state);
              let granted = 0;
              while (granted < times && counting.tryTake(state, 0, time.now, cost)) granted++;
              return {
                granted,
                retryAfterMs: granted === times ? 0 : counting.availableAt(state, 0, time.now, cost) - time.now,
                remaining: counting.remaining(state, 0, time.now),
                resetAfterMs: counting.resetAfterMs(state, 0, time.now),
              };
            });
            for (const store of Object.values(stores)) {
              const answers = await store.take(shared, asks, undefined);
              // The engine rounds up to the next time that a clock can tell.
              const resets = answers.map(({ resetAfterMs }, index) => Math.abs(resetAfterMs - expected[index]!.resetAfterMs) < 0.001);
              expect(resets).toEqual(asks.map(() => true));
              expect(answers).toMatchObject(expected.map(({ granted, retryAfterMs, remaining }) => ({ granted, retryAfterMs, remaining })));
            }
          }
        },
      ),
      RUNS,
    );
  });

  it('gives places in the line at the times at which the engine serves those that wait', async () => {
    const waiting = fc.record({ cost: fc.integer({ min: 1, max: 3 }), times: fc.constantFrom(1, 2, 5) });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ limit: fc.integer({ min: 3, max: 8 }), perMs: fc.constantFrom(100, 1000) }),
        fc.constantFrom(0, 100, 5000),
        schedule(waiting, 150),
        async ({ limit, perMs }, maxWaitMs, steps) => {
          const lab = new Lab();
          const limiter = lab.resilience.rateLimiter('l', { limit, per: perMs, algorithm, maxWait: maxWaitMs, maxQueue: Infinity });
          const time = { now: 0 };
          const stores = storesAt(time);
          const shared = limitOf(algorithm, limit, perMs);
          const served: number[] = [];
          const given: Record<string, number[]> = { memory: [], redis: [] };
          for (const { afterMs, step } of steps) {
            await lab.clock.advance(afterMs);
            time.now = lab.clock.now();
            for (let index = 0; index < step.times; index++)
              limiter.acquire({ cost: step.cost }).then(
                () => served.push(lab.clock.now()),
                () => undefined,
              );
            for (const [name, store] of Object.entries(stores)) {
              const [answer] = await store.take(shared, [{ key: undefined, ...step }], { maxWaitMs, maxQueue: Infinity });
              expect(answer!.turns).toHaveLength(answer!.granted);
              given[name]!.push(...answer!.turns!.map(({ waitMs }) => time.now + waitMs));
            }
          }
          await lab.clock.advance('1m');
          const rounded = (times: readonly number[]): number[] => times.map((at) => Math.round(at * 1000) / 1000);
          expect(rounded(given['memory']!)).toEqual(rounded(served));
          expect(rounded(given['redis']!)).toEqual(rounded(served));
        },
      ),
      RUNS,
    );
  });

  it('says the same in memory and on Redis, whatever is given back or charged, and when the clock steps or the limit changes', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('take' as const),
          cost: fc.integer({ min: 1, max: 3 }),
          times: fc.integer({ min: 1, max: 4 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('wait' as const),
          cost: fc.integer({ min: 1, max: 3 }),
          times: fc.integer({ min: 1, max: 4 }),
        }),
      },
      fc.record({ kind: fc.constant('back' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('charge' as const), cost: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ kind: fc.constant('clock' as const), by: fc.integer({ min: -3000, max: 3000 }) }),
      fc.record({ kind: fc.constant('rate' as const), limit: fc.integer({ min: 3, max: 9 }), perMs: fc.constantFrom(100, 250, 1000) }),
    );
    await fc.assert(
      fc.asyncProperty(schedule(step, 150), async (steps) => {
        const time = { now: 1_795_000_000_000 };
        const stores = storesAt(time);
        let shared = limitOf(algorithm, 5, 1000);
        const taken: { cost: number; stamp: number }[] = [];
        for (const { afterMs, step: todo } of steps) {
          time.now += afterMs;
          const each = async (act: (store: LimitStore) => Promise<unknown>): Promise<unknown[]> => {
            const said = [await act(stores.memory), await act(stores.redis)];
            expect(said[1]).toEqual(said[0]);
            return said;
          };
          const done = async (act: (store: LimitStore) => Promise<unknown>): Promise<unknown[]> =>
            each(async (store) => (await act(store), 'done'));
          if (todo.kind === 'clock') time.now += todo.by;
          else if (todo.kind === 'rate') shared = { name: shared.name, algorithm, limit: todo.limit, burst: todo.limit, perMs: todo.perMs };
          else if (todo.kind === 'charge') await done((store) => store.charge(shared, [{ key: 'k', cost: todo.cost, stamp: 0 }]));
          else if (todo.kind === 'back') {
            const [back] = taken.splice(todo.which % Math.max(1, taken.length), 1);
            if (back !== undefined) await done((store) => store.giveBack(shared, [{ key: 'k', ...back }]));
          } else {
            const patience = todo.kind === 'wait' ? { maxWaitMs: 2000, maxQueue: 4 } : undefined;
            const { cost, times } = todo;
            const [answers] = (await each((store) => store.take(shared, [{ key: 'k', cost, times }], patience))) as [PermitAnswer[]];
            const [answer] = answers;
            for (let index = 0; index < answer!.granted; index++)
              taken.push({ cost, stamp: answer!.turns?.[index]?.stamp ?? answer!.stamp });
          }
        }
      }),
      RUNS,
    );
  });

  it('is not closed for as long as the clock of a new master is behind', async () => {
    const time = { now: 1_795_000_000_000 };
    const shared = limitOf(algorithm, 4, 1000);
    for (const store of Object.values(storesAt(time))) {
      const take = async (): Promise<number> => (await store.take(shared, [{ key: 'k', cost: 1, times: 9 }], undefined))[0]!.granted;
      await take();
      time.now -= 5000;
      expect(await take()).toBe(0);
      time.now += 2001;
      expect(await take()).toBe(algorithm === 'leaky-bucket' ? 1 : 4);
      time.now += 2999;
    }
  });
});
