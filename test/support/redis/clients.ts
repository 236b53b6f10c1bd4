import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { asClient } from './session.js';
import type { RedisClient } from '../../../src/integrations/redis/connection/recognise.js';

/** A client as an application would make it for itself, with the options that its library has by default. */
export interface OwnClient {
  readonly client: RedisClient;
  end(): void;
}

const ignore = (): void => undefined;

function ofIoredis(made: { disconnect(): void }): OwnClient {
  return { client: asClient(made), end: () => made.disconnect() };
}

/** By the name of the library. */
export const CLIENTS = {
  'ioredis 6': (url: string): OwnClient => ofIoredis(new Redis(url)),
  'node-redis 6': (url: string): OwnClient => {
    const made = createClient({ url });
    made.on('error', ignore);
    made.connect().catch(ignore);
    return { client: asClient(made), end: () => made.destroy() };
  },
} as const;

/** Those that are only tried out. */
export const MORE_CLIENTS = {
  'ioredis 5': (url: string): OwnClient => ofIoredis(new Redis5(url)),
  iovalkey: (url: string): OwnClient => ofIoredis(new Valkey(url)),
} as const;
