import {
  callback,
  choice,
  duration,
  either,
  integer,
  number,
  declare,
  rule,
  shorthand,
  STORE_FAILURE_MODES,
  text,
  type Duration,
  type Key,
  type OptionsOf,
  type Rule,
  type StoreFailureMode,
} from '../../options/index.js';

/** How permits come back. */
export type RateLimitAlgorithm = 'token-bucket' | 'fixed-window' | 'sliding-window' | 'leaky-bucket';

/** How instances share a limit: every permit is decided by the store, or they take batches of them and spend those by themselves. */
export type RateLimitSharing = 'exact' | 'leased';

/** Lets so many calls start in a time. */
export interface RateLimitOptions<Args extends readonly unknown[] = readonly never[], CostArgs extends readonly unknown[] = Args> {
  /** Calls (or cost) in `per`. Required. */
  limit: number;
  /**
   * The time that `limit` is for.
   * @default '1s'
   */
  per?: Duration;
  /** Token bucket: its capacity. Leaky bucket: how many may wait (`maxQueue` is the same there). The windows do not use it. */
  burst?: number;
  /**
   * `'token-bucket'` refills continuously; `'fixed-window'` begins with the first call after the last one ended;
   * `'sliding-window'` counts the previous window by its remaining share; `'leaky-bucket'` starts calls evenly apart.
   * @default 'token-bucket'
   */
  algorithm?: RateLimitAlgorithm;
  /**
   * Waits for a permit at most so long, in order; a wait that cannot succeed is rejected at once. `Infinity` waits
   * however long it takes.
   */
  maxWait?: Duration;
  /** Calls that may wait at a time, for each key; one more is rejected at once. */
  maxQueue?: number;
  /** One limit for each key; `undefined` or `null` means the common one. */
  key?: (...args: Args) => Key;
  /**
   * Keys at most; beyond it one of the least recently used is forgotten, those with permits left first.
   * @default 100000
   */
  maxKeys?: number;
  /**
   * How many permits a call takes: a number, or a function of its arguments.
   * @default 1
   */
  cost?: number | ((...args: CostArgs) => number);
  /** Limiters of one name share their permits. Default: the operation id. */
  name?: string;
  /**
   * One limit for all instances of a group, counted in a store (`ResilienceRedisModule`, `createResilience({ store })`). `'exact'` (or
   * `true`): the store decides every permit. `'leased'`: an instance takes batches, a tenth of the limit at most, and spends them
   * without asking; not for a leaky bucket.
   * @default false
   */
  shared?: boolean | RateLimitSharing;
  /**
   * While the store cannot be asked: `'local'` goes on with a limit divided by the number of instances, `'allow'` lets everything pass,
   * `'reject'` nothing. Default: what the store says (`'local'` where that says nothing).
   */
  onStoreFailure?: StoreFailureMode;
}

/** `policies.rateLimit(...)`. */
export interface RateLimitPolicy<
  Args extends readonly unknown[] = readonly never[],
  CostArgs extends readonly unknown[] = Args,
> extends RateLimitOptions<Args, CostArgs> {
  readonly kind: 'rateLimit';
}

/** `true` means `'exact'`. */
function sharing(value: unknown): false | RateLimitSharing | undefined {
  if (value === true) return 'exact';
  return value === false || value === 'exact' || value === 'leased' ? value : undefined;
}

export const rateLimitRules = {
  limit: integer({ min: 1 }),
  per: duration({ default: '1s' }),
  burst: integer({ min: 1, defaultNote: '`limit`' }),
  algorithm: choice(['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'], { default: 'token-bucket' }),
  maxWait: duration({ zero: true, unbounded: true, defaultNote: '0; for a leaky bucket none, as `burst` bounds it' }),
  maxQueue: integer({ min: 0, unbounded: true, defaultNote: 'none; for a leaky bucket `burst`' }),
  key: callback<(...args: readonly unknown[]) => unknown>('(...args) => string'),
  maxKeys: integer({ min: 1, default: 100_000 }),
  cost: either<number | ((...args: readonly unknown[]) => unknown)>([number({ min: 0 }), callback('(...args) => number')], {
    default: 1,
    isFunction: true,
  }),
  name: text({ defaultNote: 'operation id' }),
  shared: {
    ...rule<false | RateLimitSharing>("false, true, 'exact' or 'leased'", sharing, { schema: { enum: [false, true, 'exact', 'leased'] } }),
    default: false,
  },
  onStoreFailure: choice(STORE_FAILURE_MODES, { defaultNote: 'what the store says' }),
} satisfies Record<keyof RateLimitOptions, Rule>;

/** Its options as they are resolved; the kind's check rejects those without a limit. */
export type ResolvedRateLimit = OptionsOf<typeof rateLimitRules> & { readonly limit: number };

/** Lets so many calls start: `rateLimit(100)` (a second), `rateLimit({ limit: 600, per: '1m' })`. */
export function rateLimit<Args extends readonly unknown[] = readonly never[], CostArgs extends readonly unknown[] = readonly never[]>(
  options: number | RateLimitOptions<Args, CostArgs>,
): RateLimitPolicy<Args, CostArgs> {
  return declare('rateLimit', shorthand('limit', options));
}
