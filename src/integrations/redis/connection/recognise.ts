import { ioredisClient, isIoredis, type IoredisClient } from './ioredis.js';
import { isNodeRedis, nodeRedisClient, type NodeRedisClient } from './node-redis.js';
import type { StoreClient } from './store-client.js';

/** A client of `ioredis` 5 or 6, `redis` 5 or 6, or `iovalkey`: of a single server, of Sentinels, or of a Cluster. */
export type RedisClient = IoredisClient | NodeRedisClient;

/** By its shape, as several copies and versions of a library may be installed. Undefined where it is none of them. */
export function recognise(client: unknown): StoreClient | undefined {
  if (typeof client !== 'object' || client === null) return undefined;
  if (isIoredis(client)) return ioredisClient(client);
  return isNodeRedis(client) ? nodeRedisClient(client) : undefined;
}

export function isClient(client: unknown): client is RedisClient {
  return typeof client === 'object' && client !== null && (isIoredis(client) || isNodeRedis(client));
}
