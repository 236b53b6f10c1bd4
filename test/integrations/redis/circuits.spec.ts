import { createResilience, policies, type CircuitBreakerPolicy, type Resilience } from '../../../src/core.js';
import { redisStore } from '../../../src/integrations/redis/redis-store.js';
import type { RedisStoreOptions } from '../../../src/integrations/redis/options.js';
import { startCluster, startRedis, type RedisServer } from '../../support/redis/index.js';
import { until } from '../../support/until.js';
import { Cluster } from 'ioredis';
import { asClient } from '../../support/redis/session.js';

let server: RedisServer;
beforeAll(async () => (server = await startRedis()));
afterAll(() => server.stop());

/** Applications of one group on the server, each with a breaker of the name. */
async function start(count: number, breaker: CircuitBreakerPolicy, options: Partial<RedisStoreOptions> = {}) {
  const group = options.group ?? `g${Math.random().toString(36).slice(2)}`;
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const applications = Array.from({ length: count }, () =>
    createResilience({
      store: redisStore({ ...(options.client === undefined ? { url: server.url } : {}), ...options, group }),
      logger: { warn: log, error: log },
    }),
  );
  for (const resilience of applications) resilience.declare(breaker.name!, breaker);
  await until('all are connected', () => applications.every(({ environment }) => isAvailable(environment.store)));
  const end = async (): Promise<void> => void (await Promise.all(applications.map((one) => one.close())));
  return { applications, group, lines, [Symbol.asyncDispose]: end };
}

function isAvailable(store: object | undefined): boolean {
  return (store as { availability: { isAvailable: boolean } }).availability.isAvailable;
}

const fails = (resilience: Resilience, policy: CircuitBreakerPolicy): Promise<unknown> =>
  resilience.execute(policy, () => Promise.reject(new Error('down'))).catch(() => undefined);
const succeeds = (resilience: Resilience, policy: CircuitBreakerPolicy): Promise<unknown> =>
  resilience.execute(policy, () => Promise.resolve('fine')).catch((error: unknown) => error);

const POLICY = policies.circuitBreaker({ name: 'payments', window: '10s', minimumCalls: 4, openDuration: '1m', shared: true });

describe('shared circuit breakers on a real server', () => {
  it('an opening reaches all instances', async () => {
    await using fleet = await start(4, POLICY);
    for (let call = 0; call < 4; call++) await fails(fleet.applications[call % 2]!, POLICY);
    await until('all are open', () => fleet.applications.every((one) => one.circuitBreaker('payments').state === 'open'));
    expect(fleet.lines).toEqual([]);
  });

  it('what it leaves on the server has a time to live, and a new instance starts with it', async () => {
    const group = 'stays';
    {
      await using fleet = await start(2, POLICY, { group });
      fleet.applications[0]!.circuitBreaker('payments').forceOpen();
      await until('both have heard', () => fleet.applications.every((one) => one.circuitBreaker('payments').state === 'forced-open'));
    }
    const ours = [...(await server.keys())].filter(([name]) => name.includes(group));
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter(([, ttl]) => ttl < 0)).toEqual([]);
    await using later = await start(1, POLICY, { group });
    await until('it knows', () => later.applications[0]!.circuitBreaker('payments').state === 'forced-open');
  });

  it('of 100 breakers that are idle, 8 instances ask less than 200 times a second in all', async () => {
    await using fleet = await start(8, POLICY);
    for (const resilience of fleet.applications)
      for (let index = 0; index < 100; index++)
        resilience.declare(`b${index}`, policies.circuitBreaker({ name: `b${index}`, shared: true }));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const sent = async (): Promise<number> => {
      const info = String(await server.command('INFO', 'commandstats'));
      return [...info.matchAll(/cmdstat_(?:evalsha|eval|ping):calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
    };
    const before = await sent();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(((await sent()) - before) / ((performance.now() - began) / 1000)).toBeLessThan(200);
  });

  it('a server that was restarted empty gets the state back', async () => {
    const own = await startRedis();
    const policy = policies.circuitBreaker({ ...POLICY, name: 'restarted' });
    {
      await using fleet = await start(2, policy, { url: own.url, group: 'restarted' });
      fleet.applications[0]!.circuitBreaker('restarted').forceOpen();
      await until('both know', () => fleet.applications.every((one) => one.circuitBreaker('restarted').state === 'forced-open'));
      await own.restart({ empty: true });
      await until('it is written back', async () => [...(await own.keys()).keys()].some((name) => name.endsWith(':circuit:restarted')));
      await using later = await start(1, policy, { url: own.url, group: 'restarted' });
      await until('a new instance knows', () => later.applications[0]!.circuitBreaker('restarted').state === 'forced-open');
    }
    await own.stop();
  });

  it('a server that says nothing for a while hangs no call, and what was counted meanwhile counts afterwards', async () => {
    const own = await startRedis();
    const policy = policies.circuitBreaker({ ...POLICY, name: 'paused', minimumCalls: 6, window: '1m' });
    {
      await using fleet = await start(2, policy, { url: own.url });
      await fails(fleet.applications[0]!, policy);
      own.pause();
      await until('it was noticed', () => fleet.applications.every(({ environment }) => !isAvailable(environment.store)));
      for (let call = 0; call < 5; call++) await fails(fleet.applications[call % 2]!, policy);
      expect(fleet.applications.map((one) => one.circuitBreaker('paused').state)).toEqual(['closed', 'closed']);
      own.resume();
      await until('both are open', () => fleet.applications.every((one) => one.circuitBreaker('paused').state === 'open'));
      expect(fleet.applications[1]!.circuitBreaker('paused').snapshot()).toMatchObject({ calls: 6, failures: 6 });
    }
    await own.stop();
  });

  it('half-open: the success of one trial closes the circuit for all', async () => {
    const policy = policies.circuitBreaker({ ...POLICY, name: 'trial', openDuration: '300ms' });
    await using fleet = await start(3, policy);
    for (let call = 0; call < 4; call++) await fails(fleet.applications[0]!, policy);
    await until('all are half-open', () => fleet.applications.every((one) => one.circuitBreaker('trial').state === 'half-open'));
    const answers = await Promise.all(fleet.applications.map((one) => succeeds(one, policy)));
    expect(answers.filter((answer) => answer === 'fine').length).toBeGreaterThan(0);
    await until('all are closed', () => fleet.applications.every((one) => one.circuitBreaker('trial').state === 'closed'));
  });

  it('on a Cluster', async () => {
    const cluster = await startCluster();
    const clients = [1, 2].map(() => new Cluster([...cluster.endpoints]));
    {
      await using fleet = await start(1, POLICY, { client: asClient(clients[0]!), group: 'spread' });
      await using other = await start(1, POLICY, { client: asClient(clients[1]!), group: 'spread' });
      for (let call = 0; call < 4; call++) await fails(fleet.applications[0]!, POLICY);
      await until('both are open', () =>
        [fleet.applications[0]!, other.applications[0]!].every((one) => one.circuitBreaker('payments').state === 'open'),
      );
      expect([...fleet.lines, ...other.lines]).toEqual([]);
    }
    for (const client of clients) client.disconnect();
    await cluster.stop();
  });
});
