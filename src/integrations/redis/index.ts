/** `nestjs-bulwark/redis`: state that several instances share, on Redis or Valkey. */
export { redisStore } from './redis-store.js';
export type { RedisStoreOptions } from './options.js';
export type { RedisClient } from './connection/recognise.js';
