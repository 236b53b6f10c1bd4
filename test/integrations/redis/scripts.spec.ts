import { afterAll, beforeAll } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { defineScript } from '../../../src/integrations/redis/scripts/script.js';
import { openSession, startRedis, type RedisServer } from '../../support/redis/index.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const clients = {
  'ioredis 6': () => new Redis({ port: server.port }),
  'node-redis 6': () => {
    const client = createClient({ url: server.url });
    client.connect().catch(() => undefined);
    return client;
  },
};

describe.each(Object.entries(clients))('scripts on %s', (_name, make) => {
  async function connected(now?: () => number) {
    const client = make();
    const session = await openSession({ client, commandTimeout: '1s', ...(now === undefined ? {} : { now }) });
    const dispose = async (): Promise<void> => {
      await session.stop();
      await client.disconnect();
    };
    return { runner: session.scripts, [Symbol.asyncDispose]: dispose };
  }

  it('give integers as numbers, texts as Buffers, lists as lists, and nothing as null', async () => {
    await using it = await connected();
    const reply = defineScript('reply', `return { 7, ARGV[3], struct.pack('<d', 0.1), { 1, { KEYS[1] } } }`);
    const [seven, text, packed, nested] = (await it.runner.run(reply, ['{a:b}:c'], ['ü'])) as [number, Buffer, Buffer, unknown];
    expect([seven, text.toString(), packed.readDoubleLE(), nested]).toEqual([7, 'ü', 0.1, [1, [Buffer.from('{a:b}:c')]]]);
    expect(await it.runner.run(defineScript('nothing', 'return nil'), ['{a:b}:c'], [])).toBeNull();
    expect(await it.runner.run(defineScript('false', 'return false'), ['{a:b}:c'], [])).toBeNull();
  });

  it('are sent again with their text where the server does not know them any more', async () => {
    await using it = await connected();
    const count = defineScript('count', `return redis.call('INCR', KEYS[1])`);
    const key = `{a:b}:count:${Math.random()}`;
    expect(await it.runner.run(count, [key], [])).toBe(1);
    await server.command('SCRIPT', 'FLUSH');
    expect(await it.runner.run(count, [key], [])).toBe(2);
  });

  it('have the time of the server, or that of a test', async () => {
    const given = defineScript('now', `return struct.pack('<d', now)`, { writes: false });
    await using real = await connected();
    const now = (await real.runner.run(given, ['{a:b}:c'], [])) as Buffer;
    expect(Math.abs(now.readDoubleLE() - Date.now())).toBeLessThan(5000);
    await using fake = await connected(() => 1234.5678901234567);
    expect(((await fake.runner.run(given, ['{a:b}:c'], [])) as Buffer).readDoubleLE()).toBe(1234.5678901234567);
  });

  it('reject with the error that their body answers with, or throws', async () => {
    await using it = await connected();
    await expect(it.runner.run(defineScript('answer', `return redis.error_reply('NO reason')`), ['{a:b}:c'], [])).rejects.toThrow(
      'NO reason',
    );
    await expect(it.runner.run(defineScript('throw', `error('broken')`), ['{a:b}:c'], [])).rejects.toThrow('broken');
  });

  it('take numbers with all their digits, and bytes as they are', async () => {
    await using it = await connected();
    const echo = defineScript('echo', `return { struct.pack('<d', tonumber(ARGV[3])), ARGV[4] }`);
    const bytes = Buffer.from([0, 255, 128, 10, 13]);
    const [number, echoed] = (await it.runner.run(echo, ['{a:b}:c'], [1764000000123.4565, bytes])) as [Buffer, Buffer];
    expect([number.readDoubleLE(), echoed]).toEqual([1764000000123.4565, bytes]);
  });
});
