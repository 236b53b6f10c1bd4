import { Cluster, Redis } from 'ioredis';
import { existsSync } from 'node:fs';
import {
  SERVER_PROGRAMS,
  startAclRedis,
  startCluster,
  startRedis,
  startSentinel,
  startTcpProxy,
  startTlsRedis,
  type RedisServer,
} from './index.js';

type Stoppable = { stop(): Promise<void> };

const started: Stoppable[] = [];
const connections: (Redis | Cluster)[] = [];
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.disconnect();
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function stopped<One extends Stoppable>(starting: Promise<One>): Promise<One> {
  const one = await starting;
  started.push(one);
  return one;
}

function connected<One extends Redis | Cluster>(connection: One): One {
  connection.on('error', () => undefined);
  connections.push(connection);
  return connection;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const isOver = async (promise: Promise<unknown>, milliseconds: number): Promise<boolean> => {
  const over = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([over, pause(milliseconds).then(() => false)]);
};

describe.each(SERVER_PROGRAMS)('a $name-server for a test', (server) => {
  it('starts on a port of its own, answers, and is gone after it was stopped', async () => {
    const redis = await startRedis({ server });
    expect(await redis.command('SET', 'a', 1)).toBe('OK');
    const { pid } = redis;
    await redis.stop();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('is empty after a restart, or has its data, as it was asked', async () => {
    const forgetful = await stopped(startRedis({ server }));
    const persistent = await stopped(startRedis({ server, keepsData: true }));
    const valueAfter = async (redis: RedisServer, options: { empty?: boolean } = {}): Promise<unknown> => {
      await redis.command('SET', 'a', 1);
      await redis.restart(options);
      return redis.command('GET', 'a');
    };
    expect(await valueAfter(forgetful)).toBeNull();
    expect(await valueAfter(persistent)).toBe('1');
    expect(await valueAfter(persistent, { empty: true })).toBeNull();
  });

  it('says nothing while it is paused, and then all that it owes', async () => {
    const redis = await stopped(startRedis({ server }));
    await redis.command('SET', 'a', 1);
    redis.pause();
    const answer = redis.command('GET', 'a');
    expect(await isOver(answer, 200)).toBe(false);
    redis.resume();
    expect(await answer).toBe('1');
  });

  it('lists its keys with what they have left to live', async () => {
    const redis = await stopped(startRedis({ server }));
    await redis.command('SET', 'a', 1);
    await redis.command('SET', 'b', 1, 'PX', 60_000);
    const keys = await redis.keys();
    expect(keys.get('a')).toBe(-1);
    expect(keys.get('b')).toBeGreaterThan(50_000);
  });

  it('has a replica that the Sentinel promotes when the primary is gone', async () => {
    const setup = await stopped(startSentinel({ server }));
    const client = connected(new Redis({ sentinels: [...setup.sentinels], name: setup.name }));
    await client.set('a', '1');
    expect(await client.wait(1, 10_000)).toBe(1); // until the replica has it
    await setup.primary.kill();
    await setup.promoted();
    expect(await client.get('a')).toBe('1');
  });

  it('is one of three primaries of a Cluster', async () => {
    const cluster = await stopped(startCluster({ server }));
    const client = connected(new Cluster([...cluster.endpoints]));
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await client.set(key, key);
      expect(await (await cluster.nodeOf(key)).command('GET', key)).toBe(key);
    }
  });

  it('speaks TLS with a certificate that only who trusts its authority accepts', async () => {
    const { server: redis, ca } = await stopped(startTlsRedis({ server }));
    const options = { host: redis.host, port: redis.port, retryStrategy: () => null, maxRetriesPerRequest: 0 };
    expect(await connected(new Redis({ ...options, tls: { ca } })).ping()).toBe('PONG');
    await expect(connected(new Redis({ ...options, tls: {} })).ping()).rejects.toThrow();
  });

  it('lets users do what its ACL file says', async () => {
    const redis = await stopped(startAclRedis(['user app on >secret ~shop:* +get'], { server }));
    const client = connected(
      new Redis({ host: redis.host, port: redis.port, username: 'app', password: 'secret', enableReadyCheck: false }),
    );
    expect(await client.get('shop:a')).toBeNull();
    await expect(client.get('other')).rejects.toThrow('NOPERM');
  });
});

describe('a network for a test', () => {
  async function setUp() {
    const redis = await stopped(startRedis());
    const proxy = await stopped(startTcpProxy(redis));
    const connect = (): Redis => connected(new Redis(proxy.url, { maxRetriesPerRequest: 0, retryStrategy: () => 20 }));
    const client = connect();
    await client.set('a', '1');
    return { redis, proxy, client, connect };
  }

  it('passes on what is sent, and late where it is slow, in order', async () => {
    const { proxy, client } = await setUp();
    proxy.delay(50);
    const began = performance.now();
    const slow = client.set('a', '2');
    await pause(5);
    proxy.delay(0);
    expect(await client.get('a')).toBe('2');
    await slow;
    expect(performance.now() - began).toBeGreaterThan(45);
  });

  it.each(['to server', 'to client'] as const)(
    'swallows what goes %s, on connections old and new, until it is whole again',
    async (way) => {
      const { redis, proxy, client, connect } = await setUp();
      proxy.blackHole([way]);
      const old = client.set('a', '2');
      expect(await isOver(old, 150)).toBe(false);
      expect(await redis.command('GET', 'a')).toBe(way === 'to server' ? '1' : '2');
      const fresh = connect().get('a');
      expect(await isOver(fresh, 150)).toBe(false);
      proxy.heal();
      expect(await old).toBe('OK');
      expect(await fresh).toBe('2');
    },
  );

  it('resets connections old and new while it is cut', async () => {
    const { proxy, client } = await setUp();
    proxy.cut();
    await expect(client.get('a')).rejects.toThrow();
    await pause(50);
    expect(proxy.connections).toBe(0);
    proxy.heal();
    await pause(100);
    expect(await client.get('a')).toBe('1');
  });
});
