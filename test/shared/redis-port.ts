import { RedisCircuits } from '../../src/integrations/redis/circuits/redis-circuits.js';
import { StoreKeys } from '../../src/integrations/redis/keys.js';
import type { SharedSettings } from '../../src/policies/shared-store.js';
import { Redis } from 'ioredis';
import { startRedis, type RedisServer } from '../support/redis/index.js';
import { openSession } from '../support/redis/session.js';
import type { CircuitBackend } from './circuit-fleet.js';

let server: RedisServer | undefined;
let admin: Redis | undefined;
let session: Awaited<ReturnType<typeof openSession>> | undefined;
let clock: () => number = () => 0;
let groups = 0;

/** One server for all tests of a file. */
export async function startServer(): Promise<void> {
  server = await startRedis();
  admin = new Redis(server.url);
  session = await openSession({ url: server.url, commandTimeout: '10s', now: () => clock() });
}

export async function stopServer(): Promise<void> {
  admin?.disconnect();
  await session?.stop();
  await server?.stop();
}

/** The test's own connection. */
export function redis(): Redis {
  return admin!;
}

/** Circuits of a group of its own on the server, by a clock of the test's. */
export function createClient(now: () => number): CircuitBackend {
  clock = now;
  const group = `g${++groups}`;
  const keys = new StoreKeys('resilience', group);
  const { scripts, channels } = session!;
  return {
    open: (instance) => new RedisCircuits({ keys, scripts, channels, settings: { instance } as SharedSettings }),
    async clear() {
      const found = await admin!.keys(`{resilience:${group}}*`);
      if (found.length > 0) await admin!.del(...found);
    },
  };
}
