import { Redis } from 'ioredis';
import { RedisCircuits } from '../../src/integrations/redis/circuits/redis-circuits.js';
import { Connection } from '../../src/integrations/redis/connection/connection.js';
import { recognise } from '../../src/integrations/redis/connection/recognise.js';
import { StoreKeys } from '../../src/integrations/redis/keys.js';
import { RedisScriptRunner } from '../../src/integrations/redis/scripts/script-runner.js';
import type { SharedSettings } from '../../src/policies/shared-store.js';
import { startRedis, type RedisServer } from '../support/redis/index.js';
import type { CircuitBackend } from './circuit-fleet.js';

let server: RedisServer | undefined;
let commands: Redis | undefined;
let news: Redis | undefined;
let groups = 0;

/** One server for all tests of a file. */
export async function startServer(): Promise<void> {
  server = await startRedis();
  commands = new Redis(server.url);
  news = new Redis(server.url);
  await Promise.all([commands.ping(), news.ping()]);
}

export async function stopServer(): Promise<void> {
  commands?.disconnect();
  news?.disconnect();
  await server?.stop();
}

export function redisClient(): Redis {
  return commands!;
}

/** Circuits of a group of its own on the server, by a clock of the test's. */
export function createClient(now: () => number): CircuitBackend {
  const group = `g${++groups}`;
  const keys = new StoreKeys('resilience', group);
  const scripts = new RedisScriptRunner(new Connection(recognise(commands!)!, 10_000), now);
  const subscribe = (channel: string, listener: (message: Buffer) => void): (() => void) => {
    const heard = (from: Buffer, message: Buffer): void => {
      if (from.toString() === channel) listener(message);
    };
    void news!.subscribe(channel);
    news!.on('messageBuffer', heard);
    return () => news!.off('messageBuffer', heard);
  };
  return {
    open: (instance) => new RedisCircuits({ keys, scripts, channels: { subscribe }, settings: { instance } as SharedSettings }),
    async clear() {
      const found = await commands!.keys(`{resilience:${group}}*`);
      if (found.length > 0) await commands!.del(...found);
    },
  };
}
