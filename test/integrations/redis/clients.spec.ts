import { afterAll, beforeAll } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { randomBytes } from 'node:crypto';
import type { RedisClient } from '../../../src/integrations/redis/connection/recognise.js';
import { defineScript } from '../../../src/integrations/redis/scripts/script.js';
import {
  asClient,
  CLIENTS,
  MORE_CLIENTS,
  openSession,
  startCluster,
  startRedis,
  startSentinel,
  startTlsRedis,
  type RedisCluster,
  type RedisServer,
  type SentinelSetup,
  type TlsRedis,
} from '../../support/redis/index.js';
import { until } from '../../support/until.js';

const count = defineScript(
  'count',
  `local times = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 60000)
redis.call('PUBLISH', 'resilience:test:news', ARGV[3])
return times`,
);

const ignore = (): void => undefined;

/** A client of an application, and what it does with it at its end. */
interface Own {
  readonly client: RedisClient;
  end(): unknown;
}

type Session = Awaited<ReturnType<typeof openSession>>;

const freshKey = (tag = '{resilience:test}'): string => `${tag}:${randomBytes(6).toString('hex')}`;

/** Scripts work, and what they publish is heard. */
async function tryOut(session: Session): Promise<void> {
  const heard: string[] = [];
  const stop = session.channels.subscribe('resilience:test:news', (message) => heard.push(message.toString()));
  const key = freshKey();
  let times = 0;
  await until('what is published is heard', async () => {
    expect(await session.scripts.run(count, [key], ['ü'])).toBe(++times);
    return heard.includes('ü');
  });
  stop();
}

describe('a store works on', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it.each(Object.entries({ ...CLIENTS, ...MORE_CLIENTS }))('%s, which it never closes', async (_name, make) => {
    const { client, end } = make(server.url);
    const session = await openSession({ client, commandTimeout: '1s' });
    await tryOut(session);
    await session.stop();
    const state = client as { readonly status?: string; readonly isReady?: boolean };
    expect(state.status ?? state.isReady).toBe('status' in client ? 'ready' : true);
    end();
  });

  it('a client of its own, made of a URL, which it closes', async () => {
    const session = await openSession({ url: server.url, commandTimeout: '1s' });
    await tryOut(session);
    await session.stop();
    await until('no connection is left', async () => !((await server.command('CLIENT', 'LIST')) as string).includes('cmd=evalsha'));
  });

  it('a Cluster, each hash tag where it belongs', async () => {
    const cluster: RedisCluster = await startCluster();
    const [{ host, port }] = cluster.endpoints as [{ host: string; port: number }];
    const nodeRedis = createCluster({ rootNodes: [{ url: `redis://${host}:${port}` }] });
    nodeRedis.on('error', ignore);
    await nodeRedis.connect();
    const ioredis = new Cluster([{ host, port }]);
    const owners: readonly Own[] = [
      { client: asClient(ioredis), end: () => ioredis.disconnect() },
      { client: asClient(nodeRedis), end: () => nodeRedis.destroy() },
    ];
    try {
      for (const { client } of owners) {
        await using session = await openSession({ client, commandTimeout: '1s' });
        await tryOut(session);
        for (const name of ['a', 'b', 'c', 'd', 'e'])
          expect(await session.scripts.run(count, [freshKey(`{resilience:test:limit:${name}}`)], [''])).toBe(1);
      }
      // One server of three away: what is elsewhere goes on, and nobody waits for what is not.
      await using session = await openSession({ client: owners[0]!.client, commandTimeout: '200ms' });
      const gone = await cluster.nodeOf('{resilience:test}');
      const tags = Array.from({ length: 12 }, (_, index) => `{resilience:test:limit:${index}}`);
      const nodes = await Promise.all(tags.map((tag) => cluster.nodeOf(tag)));
      const elsewhere = tags.find((_, index) => nodes[index] !== gone)!;
      for (const tag of tags) await session.scripts.run(count, [freshKey(tag)], ['']);
      gone.pause();
      try {
        await until('it is known', () => session.availability.isDegraded);
        expect(await session.scripts.run(count, [freshKey(elsewhere)], [''])).toBe(1);
      } finally {
        gone.resume();
      }
      await until('it is back', () => session.availability.isAvailable);
    } finally {
      for (const { end } of owners) end();
      await cluster.stop();
    }
  });

  it('Sentinels, and follows them to the new primary', async () => {
    const setup: SentinelSetup = await startSentinel();
    const [sentinel] = setup.sentinels as [{ host: string; port: number }];
    const ioredis = new Redis({ sentinels: [sentinel], name: setup.name });
    const nodeRedis = createSentinel({ name: setup.name, sentinelRootNodes: [sentinel] });
    nodeRedis.on('error', ignore);
    await nodeRedis.connect();
    try {
      await using first = await openSession({ client: asClient(ioredis), commandTimeout: '2s' });
      await using second = await openSession({ client: asClient(nodeRedis), commandTimeout: '2s', group: 'other' });
      await tryOut(first);
      await tryOut(second);
      await setup.primary.kill();
      await setup.promoted();
      for (const { scripts, availability } of [first, second]) {
        await until('the new primary answers', () =>
          scripts.run(count, [freshKey()], ['']).then(
            () => true,
            () => false,
          ),
        );
        await until('it is known', () => availability.isAvailable);
      }
    } finally {
      ioredis.disconnect();
      await nodeRedis.destroy();
      await setup.stop();
    }
  });

  it('TLS, by the options of the client that is made for a URL', async () => {
    const tls: TlsRedis = await startTlsRedis();
    try {
      await using session = await openSession({ url: tls.server.url, connection: { tls: { ca: tls.ca } }, commandTimeout: '1s' });
      await tryOut(session);
      await using distrustful = await openSession({ url: tls.server.url });
      expect(distrustful.log.warnings[0]).toContain('certificate');
    } finally {
      await tls.stop();
    }
  });
});
