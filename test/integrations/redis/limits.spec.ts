import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { createResilience, type Resilience } from '../../../src/core.js';
import { systemClock, type Clock } from '../../../src/engine/clock.js';
import { redisStore, type RedisClient } from '../../../src/integrations/redis/index.js';
import { startRedis, type RedisServer } from '../../support/redis/index.js';

let server: RedisServer;
let admin: Redis;
const running: Resilience[] = [];
const clients: { end(): unknown }[] = [];
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.port, server.host);
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
  for (const client of clients.splice(0)) await client.end();
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

async function clientOf(kind: 'ioredis' | 'node-redis'): Promise<RedisClient> {
  if (kind === 'ioredis') {
    const client = new Redis(server.port, server.host);
    clients.push({ end: () => client.disconnect() });
    return client;
  }
  const client = createClient({ url: `redis://${server.host}:${server.port}` });
  client.on('error', () => undefined);
  await client.connect();
  clients.push({ end: () => client.destroy() });
  return client;
}

let groups = 0;
async function instances(
  count: number,
  kind: 'ioredis' | 'node-redis' = 'ioredis',
  clock?: (index: number) => Clock,
  group = `limits${++groups}`,
): Promise<Resilience[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const store = redisStore({ client: await clientOf(kind), group, commandTimeout: '2s' });
      const resilience = createResilience({
        store,
        logger: { warn: () => undefined, error: () => undefined },
        ...(clock === undefined ? {} : { clock: clock(index) }),
      });
      running.push(resilience);
      await resilience.ready();
      return resilience;
    }),
  );
}

/** How many of so many askers at once got their permits. */
async function passed(asked: readonly Promise<void>[]): Promise<number> {
  return (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length;
}

describe.each(['ioredis', 'node-redis'] as const)('limits that instances share on Redis through %s', (kind) => {
  it.each(['token-bucket', 'fixed-window', 'sliding-window'] as const)(
    '%s: let exactly so many pass in all instances',
    async (algorithm) => {
      const all = await instances(3, kind);
      const limiters = all.map((one) => one.rateLimiter('l', { limit: 50, per: '1h', algorithm, shared: true }));
      const asked = limiters.flatMap((limiter) =>
        Array.from({ length: 100 }, (_, index) => limiter.acquire({ key: index % 2 === 0 ? 'a' : 'b' })),
      );
      expect(await passed(asked)).toBe(100);
      expect(limiters[0]!.peek('a').remaining).toBe(0);
    },
  );

  it('start calls of all instances evenly apart where it is a leaky bucket', async () => {
    const all = await instances(2, kind);
    const times: number[] = [];
    const limiters = all.map((one) => one.rateLimiter('l', { limit: 50, per: '1s', algorithm: 'leaky-bucket', burst: 20, shared: true }));
    await Promise.all(
      limiters.flatMap((limiter) =>
        Array.from({ length: 5 }, async () => {
          await limiter.acquire();
          times.push(systemClock.now());
        }),
      ),
    );
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(9 * 20 - 15);
  });

  it('are leased in batches, which go back at the end', async () => {
    const all = await instances(2, kind);
    const limiters = all.map((one) => one.rateLimiter('l', { limit: 1000, per: '1h', algorithm: 'fixed-window', shared: 'leased' }));
    let count = 0;
    for (let round = 0; round < 60; round++)
      count += await passed(limiters.flatMap((limiter) => Array.from({ length: 5 }, () => limiter.acquire())));
    expect(count).toBe(600);
    for (const one of all) await one.close();
    const [after] = await instances(1, kind, undefined, `limits${groups}`);
    const limiter = after!.rateLimiter('l', { limit: 1000, per: '1h', algorithm: 'fixed-window', shared: true });
    expect(await passed(Array.from({ length: 500 }, () => limiter.acquire()))).toBe(400);
  });

  it('go on when the server has forgotten all scripts', async () => {
    const [one] = await instances(1, kind);
    const limiter = one!.rateLimiter('l', { limit: 4, per: '1h', shared: true });
    await limiter.acquire();
    await admin.script('FLUSH');
    expect(await passed(Array.from({ length: 9 }, () => limiter.acquire()))).toBe(3);
  });

  it('take no key for a part of anything else', async () => {
    const [one] = await instances(1, kind);
    const limiter = one!.rateLimiter('l}:{x', { limit: 1, per: '1h', shared: true });
    const keys = [
      '',
      ' ',
      'a b',
      '}',
      '{',
      ':',
      '*',
      '\r\nFLUSHALL\r\n',
      'a\u0000b',
      '\ud800',
      '\udfff',
      'é',
      '💶',
      'k'.repeat(1000),
      '%7D',
      "']]..os.exit()",
    ];
    for (const key of keys) expect([key, await passed([limiter.acquire({ key }), limiter.acquire({ key })])]).toEqual([key, 1]);
    expect(limiter.keyCount).toBe(keys.length);
  });
});

describe('what limits leave in the store', () => {
  it('has a time to live, and none of it is of an instance with another clock', async () => {
    await admin.flushall();
    const apart = (index: number): Clock => ({
      ...systemClock,
      now: () => systemClock.now() + index * 600_000,
      wallTime: () => Date.now() + index * 600_000,
    });
    const all = await instances(3, 'ioredis', apart);
    for (const shared of ['exact', 'leased'] as const) {
      for (const algorithm of ['token-bucket', 'fixed-window', 'sliding-window'] as const) {
        const limiters = all.map((one) => one.rateLimiter(`${shared} ${algorithm}`, { limit: 200, per: '1m', algorithm, shared }));
        const asked = limiters.flatMap((limiter) => Array.from({ length: 100 }, () => limiter.acquire()));
        const count = await passed(asked);
        expect(count).toBeLessThanOrEqual(220);
        if (shared === 'exact') expect(count).toBe(200);
      }
    }
    const keys = (await admin.keys('*')).filter((key) => key.includes(':limit:'));
    expect(keys).toHaveLength(6);
    const lives = await Promise.all(keys.map((key) => admin.pttl(key)));
    expect(Math.min(...lives)).toBeGreaterThan(0);
    expect(Math.max(...lives)).toBeLessThanOrEqual(4 * 60_000 + 1000);
  });

  it('is not written by who asks in vain', async () => {
    const [one] = await instances(1);
    const limiter = one!.rateLimiter('vain', { limit: 1, per: '1h', shared: true });
    await limiter.acquire();
    const key = (await admin.keys('*vain*'))[0]!;
    const before = await admin.getBuffer(key);
    for (let times = 0; times < 3; times++) expect(await passed([limiter.acquire({ cost: 0.5 })])).toBe(0);
    expect(await admin.getBuffer(key)).toEqual(before);
  });
});
