import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { pid } from 'node:process';
import type { Environment } from '../../engine/environment.js';
import type { ResilienceStore, SharedStore } from '../../policies/shared-store.js';
import { RedisCircuits } from './circuits/redis-circuits.js';
import { StoreKeys } from './keys.js';
import { RedisLimitStore } from './limits/redis-limit-store.js';
import { readRedisStoreOptions, sharedSettings, type RedisStoreOptions, type RedisStoreSettings } from './options.js';
import { RedisFleet } from './fleet/redis-fleet.js';
import { RedisPermits } from './permits/redis-permits.js';
import type { RedisContext } from './redis-context.js';
import { StoreSession } from './store-session.js';

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

/** @param now A clock in place of the server's for all scripts, in tests only. */
export function openRedisStore(options: RedisStoreSettings, environment: Environment, now?: () => number): SharedStore {
  const settings = sharedSettings(options, options.instance ?? instanceId());
  const keys = new StoreKeys(options.prefix, options.group);
  const session = new StoreSession(options, environment, keys.ofGroup('probe'), now);
  const { scripts, channels, availability, requests } = session;
  const context: RedisContext = { environment, settings, keys, scripts, channels };
  return {
    settings,
    availability,
    requests,
    ...portsOf(context),
    start: () => session.start(),
    beforeStop: (giveBack) => session.lastTasks.add(giveBack),
    stop: () => session.stop(),
  };
}

/** What each policy wants of a store, on Redis. */
function portsOf(context: RedisContext): Pick<SharedStore, 'limits' | 'circuits' | 'permits' | 'fleet'> {
  return {
    limits: new RedisLimitStore(context.scripts, context.keys),
    circuits: new RedisCircuits(context),
    permits: new RedisPermits(context),
    fleet: new RedisFleet(context),
  };
}
