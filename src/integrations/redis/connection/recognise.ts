import { ioredisClient, isIoredis, type IoredisClient } from './ioredis.js';
import { isNodeRedis, nodeRedisClient, type NodeRedisClient } from './node-redis.js';
import type { StoreClient } from './store-client.js';

/** A client of `ioredis` 5 or 6, `redis` 5 or 6, or `iovalkey`: of a single server, of Sentinels, or of a Cluster. */
export type RedisClient = IoredisClient | NodeRedisClient;

/** @param isOurs Whether it was made for us, so that it ends with the store. */
export function recognise(client: RedisClient, isOurs: boolean): StoreClient {
  return isIoredis(client) ? ioredisClient(client, isOurs) : nodeRedisClient(client, isOurs);
}

/** By its shape, as several copies and versions of a library may be installed. */
export function isClient(client: unknown): client is RedisClient {
  return typeof client === 'object' && client !== null && (isIoredis(client) || isNodeRedis(client));
}
