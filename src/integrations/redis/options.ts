import { ResilienceConfigError, type Duration } from '../../core.js';
import {
  choice,
  duration,
  integer,
  isRecord,
  Problems,
  readSettings,
  rule,
  text,
  type Rule,
  STORE_FAILURE_MODES,
  type StoreFailureMode,
} from '../../options/index.js';
import { type SharedSettings } from '../../policies/shared-store.js';
import { isClient, type RedisClient } from './connection/recognise.js';

/** What `redisStore` and `ResilienceRedisModule.register` take. Either `client` or `url` is required. */
export interface RedisStoreOptions {
  /**
   * Your own client: of `ioredis` 5 or 6, `redis` (node-redis) 5 or 6, or `iovalkey`, also in their forms for Sentinel and Cluster. It is
   * recognised by its shape, and never closed; where the server falls silent it is made to connect anew.
   */
  client?: RedisClient;
  /** Where the server is: a client of ours is made by the first of `ioredis`, `redis` and `iovalkey` that is installed, and closed at the end. */
  url?: string;
  /** Whose state is shared: all instances of one service have one group. */
  group: string;
  /**
   * How the names of all keys and channels begin.
   * @default 'resilience'
   */
  prefix?: string;
  /**
   * How long an answer of the store is waited for.
   * @default '100ms'
   */
  commandTimeout?: Duration;
  /**
   * What policies do while the store cannot be asked, where they do not say it themselves: decide by what this instance knows, let
   * everything pass, or reject.
   * @default 'local'
   */
  onStoreFailure?: StoreFailureMode;
  /**
   * How often circuit breakers merge their counts, and how soon all instances know of a change at the latest.
   * @default '100ms'
   */
  propagation?: Duration;
  /**
   * How long permits of a crashed instance stay taken.
   * @default '10s'
   */
  lease?: Duration;
  /**
   * How many instances there are, for as long as the fleet was never seen: what is decided locally without the store is divided by it.
   * @default 1
   */
  expectedInstances?: number;
  /** What this instance is called in the fleet. Default: host, process id and a random part. */
  instance?: string;
  /** More options of the client that is made for `url`, e.g. `{ tls: { ca }, username, password }`; as that client has them. */
  connection?: Readonly<Record<string, unknown>>;
}

/** The options, checked. */
export interface RedisStoreSettings extends Omit<RedisStoreOptions, 'commandTimeout' | 'propagation' | 'lease' | 'instance'> {
  readonly prefix: string;
  readonly onStoreFailure: StoreFailureMode;
  readonly commandTimeout: number;
  readonly propagation: number;
  readonly lease: number;
  readonly expectedInstances: number;
  readonly instance?: string;
}

/** In names of keys and channels it must not mean anything: for who looks for them by patterns, and for the hash tag. */
const PLAIN = /^[^*?[\]{}:\s\p{Cc}]{1,64}$/u;

const plain = (extra: { readonly default?: string } = {}): Rule<string> =>
  rule(
    'a text of 1 to 64 characters without spaces and any of * ? [ ] { } :',
    (value) => (typeof value === 'string' && PLAIN.test(value) ? value : undefined),
    extra,
  );

const isUrl = (value: unknown): value is string => typeof value === 'string' && /^(rediss?|valkeys?):\/\/\S+$/.test(value);

/** Neither a client nor a URL is shown where it is wrong: they hold passwords. */
const hidden = <Value>(expects: string, accepts: (value: unknown) => value is Value): Rule<Value> => ({
  expects,
  isFunction: true,
  read(value, path, problems) {
    if (accepts(value)) return value;
    problems.add(`${path} must be ${expects}, got a ${typeof value}${typeof value === 'string' ? ' of another form' : ''}`);
    return undefined;
  },
});

export const redisStoreRules = {
  client: hidden('a client of ioredis 5 or 6, redis (node-redis) 5 or 6, or iovalkey', isClient),
  url: hidden('a URL like redis://host:6379 or rediss://user:password@host', isUrl),
  group: plain(),
  prefix: plain({ default: 'resilience' }),
  commandTimeout: duration({ default: '100ms' }),
  onStoreFailure: choice(STORE_FAILURE_MODES, { default: 'local' }),
  propagation: duration({ default: '100ms' }),
  lease: duration({ default: '10s' }),
  expectedInstances: integer({ min: 1, default: 1 }),
  instance: text({ defaultNote: 'host, process id and a random part' }),
  connection: hidden('an object of client options', isRecord),
} satisfies Record<keyof RedisStoreOptions, Rule>;

/** Options of clients of ioredis by which our keys or answers would be others than for the rest of the group. */
function spoiling(client: RedisClient): readonly string[] {
  if (!isClient(client) || !('options' in client)) return [];
  const { redisOptions, ...own } = client.options as Readonly<Record<string, unknown>>;
  const all = { ...Object(redisOptions), ...own } as Readonly<Record<string, unknown>>;
  return ['keyPrefix', 'stringNumbers'].filter((option) => Boolean(all[option]));
}

/** @throws ResilienceConfigError with every mistake. */
export function readRedisStoreOptions(options: unknown, caller: string): RedisStoreSettings {
  const problems = new Problems();
  const settings = problems.at(`${caller}:`, (found) => {
    const read = readSettings<RedisStoreSettings>(redisStoreRules, options, found, ['group']);
    const { client, url, connection } = Object(options) as Partial<RedisStoreOptions>;
    if (client === undefined && url === undefined) found.add('one of client and url is required');
    if (client !== undefined && url !== undefined) found.add('client and url cannot be given both');
    for (const option of client === undefined ? [] : spoiling(client))
      found.add(`client has the option ${option}: make one without it for the store`);
    if (client !== undefined && connection !== undefined) found.add('connection is for the client that is made for a url');
    return read;
  });
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return settings;
}

/** What the policies go by. */
export function sharedSettings(settings: RedisStoreSettings, instance: string): SharedSettings {
  const { group, onStoreFailure, commandTimeout, propagation, lease, expectedInstances } = settings;
  return {
    group,
    instance,
    onStoreFailure,
    commandTimeoutMs: commandTimeout,
    propagationMs: propagation,
    leaseMs: lease,
    expectedInstances,
  };
}
