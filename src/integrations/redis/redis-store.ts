import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { pid } from 'node:process';
import type { Environment } from '../../engine/environment.js';
import type { ResilienceStore, SharedStore } from '../../policies/shared-store.js';
import { Connection } from './connection/connection.js';
import { recognise } from './connection/recognise.js';
import { StoreKeys } from './keys.js';
import { readRedisStoreOptions, sharedSettings, type RedisStoreOptions, type RedisStoreSettings } from './options.js';
import type { RedisContext } from './redis-context.js';
import { RedisScriptRunner } from './scripts/script-runner.js';

/**
 * State that all instances of a group share, on Redis 6.2 or later or Valkey 7.2 or later:
 * `createResilience({ store: redisStore({ url: 'redis://cache:6379', group: 'shop' }) })`.
 * @throws ResilienceConfigError with every mistake in the options.
 */
export function redisStore(options: RedisStoreOptions): ResilienceStore {
  const settings = readRedisStoreOptions(options, 'redisStore');
  return { open: (environment) => openRedisStore(settings, environment) };
}

/** Host, process, and what tells two in one process apart. */
function instanceId(): string {
  return `${hostname()}-${pid}-${randomBytes(4).toString('hex')}`;
}

export function openRedisStore(options: RedisStoreSettings, environment: Environment): SharedStore {
  const settings = sharedSettings(options, options.instance ?? instanceId());
  const connection = new Connection(recognise(options.client)!, settings.commandTimeoutMs);
  const scripts = new RedisScriptRunner(connection);
  const keys = new StoreKeys(options.prefix, options.group);
  const channels = { subscribe: () => () => undefined };
  const context: RedisContext = { environment, settings, keys, scripts, channels };
  return {
    settings,
    availability: { isAvailable: true, listen: () => () => undefined },
    ...portsOf(context),
    start: () => Promise.resolve(),
    beforeStop: () => () => undefined,
    stop: () => Promise.resolve(),
  };
}

/** What each policy wants of a store, on Redis. */
function portsOf(_context: RedisContext): Pick<SharedStore, 'limits' | 'circuits' | 'permits'> {
  return { limits: undefined as never, circuits: undefined as never, permits: undefined as never };
}
