/** `nestjs-bulwark/redis`: state that several instances share, on Redis or Valkey. */
export { redisStore } from './redis-store.js';
export { ResilienceRedisModule } from './resilience-redis.module.js';
export { StoreTimeoutError, StoreUnavailableError } from './connection/store.error.js';
export type { RedisStoreOptions } from './options.js';
export type { IoredisClient } from './connection/ioredis.js';
export type { NodeRedisClient } from './connection/node-redis.js';
export type { RedisClient } from './connection/recognise.js';
