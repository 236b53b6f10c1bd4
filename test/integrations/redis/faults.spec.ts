import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { defineScript } from '../../../src/integrations/redis/scripts/script.js';
import { CLIENTS, openSession, startRedis, startTcpProxy, type RedisServer, type TcpProxy } from '../../support/redis/index.js';
import { until } from '../../support/until.js';

const count = defineScript('count', `local times = redis.call('INCR', KEYS[1])\nredis.call('PEXPIRE', KEYS[1], 60000)\nreturn times`);
const read = defineScript('read', `return tonumber(redis.call('GET', KEYS[1]) or '0')`, { writes: false });

const TIMEOUT_MS = 100;
/** What a busy machine may add to it. */
const SLACK_MS = 400;

let server: RedisServer;
let proxy: TcpProxy;
beforeAll(async () => {
  server = await startRedis({ keepsData: true });
});
beforeEach(async () => {
  proxy = await startTcpProxy(server);
});
afterEach(async () => {
  await proxy.stop();
  await server.command('REPLICAOF', 'NO', 'ONE');
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
});
afterAll(() => server.stop());

describe.each(Object.entries(CLIENTS))('a store on %s', (_name, make) => {
  async function open(url = proxy.url, commandTimeout = TIMEOUT_MS) {
    const own = make(url);
    const session = await openSession({ client: own.client, commandTimeout });
    const key = `{resilience:test}:${Math.random()}`;
    let longestMs = 0;
    let reason = '';
    return {
      ...session,
      key,
      /** What was said of the last error. */
      get reason() {
        return reason;
      },
      get longestMs() {
        return longestMs;
      },
      /** Asks once; gives the class of what went wrong. */
      async ask(): Promise<string> {
        const begun = performance.now();
        const outcome = await session.scripts.run(count, [key], []).then(
          () => 'ok',
          (error: unknown) => {
            reason = (error as Error).message;
            return (error as Error).name;
          },
        );
        longestMs = Math.max(longestMs, performance.now() - begun);
        return outcome;
      },
      /** Asks until it is answered again. */
      async back(): Promise<void> {
        await until('the store answers again', async () => (await this.ask()) === 'ok');
        await until('it is known', () => session.availability.isAvailable);
      },
      types: () => session.events.map(({ type }) => type),
      async [Symbol.asyncDispose]() {
        await session.stop();
        own.end();
      },
    };
  }

  it('answers, and says nothing', async () => {
    await using store = await open();
    expect(store.availability.state).toBe('available');
    expect(await store.ask()).toBe('ok');
    expect([store.types(), store.log.lines]).toEqual([[], []]);
  });

  it('that is cut off is not asked, tells of it once, and comes back by itself', async () => {
    await using store = await open();
    proxy.cut();
    await until('it is known', () => !store.availability.isAvailable);
    for (let asked = 0; asked < 20; asked++) expect(await store.ask()).toBe('StoreUnavailableError');
    expect(store.types()).toEqual(['store.unavailable']);
    expect(store.log.warnings.length).toBe(1);
    proxy.heal();
    await store.back();
    expect(store.types()).toEqual(['store.unavailable', 'store.available']);
    expect(store.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('that falls silent keeps nobody waiting, and is connected to anew', async () => {
    await using store = await open();
    proxy.blackHole();
    expect(await store.ask()).toBe('StoreTimeoutError');
    await until('it is known', async () => (await store.ask()) === 'StoreUnavailableError');
    expect(store.log.warnings.length).toBe(1);
    // Connections made meanwhile are silent too.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    proxy.heal();
    await store.back();
    expect(store.types()).toEqual(['store.unavailable', 'store.available']);
    expect(store.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('that is silent in one direction only is no other', async () => {
    await using store = await open();
    proxy.blackHole(['to client']);
    await until('it is known', async () => (await store.ask()) === 'StoreUnavailableError');
    proxy.heal();
    await store.back();
    expect(store.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('that was stopped for a while does nothing of what was given up', async () => {
    await using store = await open();
    expect(await store.ask()).toBe('ok');
    server.pause();
    const asked = await Promise.all(Array.from({ length: 50 }, () => store.ask()));
    expect(asked.filter((outcome) => outcome === 'ok')).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    server.resume();
    await until('it answers', () => store.availability.isAvailable);
    expect(await store.scripts.run(read, [store.key], [])).toBe(1);
  });

  it('that is killed and started anew is found again, empty or not', async () => {
    await using store = await open();
    expect(await store.ask()).toBe('ok');
    await server.kill();
    await until('it is known', async () => (await store.ask()) === 'StoreUnavailableError');
    await server.restart();
    await store.back();
    await server.restart({ empty: true });
    await store.back();
    expect(store.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('that pauses its clients answers late, and is left alone for that time', async () => {
    await using store = await open();
    await server.command('CLIENT', 'PAUSE', 1000, 'ALL');
    await until('it is known', async () => (await store.ask()) === 'StoreUnavailableError');
    await store.back();
    expect(store.types()).toEqual(['store.unavailable', 'store.available']);
    expect(store.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('that has become a replica is looked for anew', async () => {
    await using store = await open();
    await server.command('REPLICAOF', '127.0.0.1', 1);
    await until('it is known', async () => (await store.ask()) === 'StoreUnavailableError' && /READONLY|MASTERDOWN/.test(store.reason));
    await server.command('REPLICAOF', 'NO', 'ONE');
    await store.back();
  });

  it('that is full is not asked until it has room', async () => {
    await using store = await open();
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    await until('it is known', async () => (await store.ask()) === 'StoreUnavailableError' && store.reason.includes('OOM'));
    expect(store.log.warnings.length).toBe(1);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await store.back();
  });

  it('answers while our own event loop is blocked for longer than an answer is waited for', async () => {
    // Not through the proxy, which is on the same event loop.
    await using store = await open(server.url, 1000);
    await store.ask();
    const asked = Array.from({ length: 100 }, () => store.ask());
    const end = performance.now() + 2000;
    while (performance.now() < end);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['ok']));
    expect(await store.scripts.run(read, [store.key], [])).toBe(101);
  });

  it('whose clock is set goes on', async () => {
    await using store = await open();
    const { clock } = store.session.breaker.shardOf(store.key);
    const here = performance.now();
    // It was an hour ago, so that all our deadlines have passed; and then an hour ahead.
    clock.observe(Date.now() - 3_600_000, here, here);
    expect(await store.ask()).toBe('ok');
    clock.observe(Date.now() + 3_600_000, here, here);
    expect(await store.ask()).toBe('ok');
    expect(await store.ask()).toBe('ok');
    expect(store.types()).toEqual([]);
  });

  it('is not there at the start: the application starts within a second, says so once, and finds it later', async () => {
    proxy.cut();
    const begun = performance.now();
    await using store = await open();
    expect(performance.now() - begun).toBeLessThan(1000 + SLACK_MS);
    expect(store.availability.state).toBe('unavailable');
    expect(store.log.warnings.length).toBe(1);
    proxy.heal();
    await store.back();
    expect(store.log.warnings.length).toBe(1);
  });

  it('is left at once where it does not answer', async () => {
    const store = await open();
    proxy.blackHole();
    store.session.lastTasks.add(() => store.ask());
    const asked = store.ask();
    const begun = performance.now();
    await store[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(2 * TIMEOUT_MS + SLACK_MS);
    expect(await asked).toMatch(/Store(Unavailable|Timeout)Error/);
    expect(await store.ask()).toBe('StoreUnavailableError');
  });
});
