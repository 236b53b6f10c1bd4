import fc from 'fast-check';

export const KINDS = ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'] as const;
export type Kind = (typeof KINDS)[number];

/** Functions of a user that a pipeline calls. */
export const HOOKS = [
  'key',
  'cost',
  'priority',
  'on',
  'onResult',
  'validate',
  'tier',
  'onRetry',
  'discard',
  'next',
  'end',
  'event',
] as const;
export type Hook = (typeof HOOKS)[number];

/** What such a function does beside its work. */
const ACTS = ['throw', 'reject', 'abort', 'unsubscribe', 'call', 'reconfigure', 'resize', 'forceOpen', 'close', 'evict'] as const;
export type Act = (typeof ACTS)[number];

/** The n-th time that a function is called, it does that. */
export interface Trick {
  readonly at: Hook;
  readonly nth: number;
  readonly act: Act;
}

/** How an attempt of a Promise goes. */
const WAYS = ['return', 'throw', 'resolve', 'reject', 'thenable', 'twice', 'throwing then', 'hang', 'obey', 'abort', 'call'] as const;

/** What the method does in one attempt: as a Promise by `way`, as an Observable by the rest. */
export interface Attempt {
  readonly way: (typeof WAYS)[number];
  readonly ms: number;
  /** An Observable: values, the time between them (0: all at once), how it ends. */
  readonly values: number;
  readonly ending: 'complete' | 'error' | 'never' | 'throw' | 'throw in subscribe';
  readonly isTeardownBad: boolean;
}

export interface CallStep {
  readonly do: 'call';
  readonly driver: 'promise' | 'observable';
  readonly key: number;
  readonly priority: number;
  readonly cost: number;
  readonly attempts: readonly Attempt[];
  /** Aborts after so long; -1: before the call. */
  readonly abortMs: number | undefined;
  readonly unsubscribeMs: number | undefined;
}

export type Step =
  | CallStep
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'reconfigure'; readonly kind: Kind; readonly to: number }
  | { readonly do: 'resize'; readonly to: number }
  | { readonly do: 'force'; readonly how: 'forceOpen' | 'disable' | 'metricsOnly' | 'close' | 'reset' }
  | { readonly do: 'drain' };

/** The options of a pipeline, as plain data; functions are put in by whoever runs it. */
export type Options = { readonly [Name in Kind]?: Readonly<Record<string, unknown>> };

/** A pipeline, and what happens to it. */
export interface Scenario {
  readonly order: readonly Kind[] | undefined;
  readonly options: Options;
  /** The functions of a user that it has. */
  readonly hooks: readonly Hook[];
  /** Every call has a policy of its own, with functions of its own. */
  readonly isFresh: boolean;
  readonly steps: readonly Step[];
  readonly tricks: readonly Trick[];
}

const ms = (max: number, min = 0): fc.Arbitrary<number> => fc.integer({ min, max });
const maybe = <T>(value: fc.Arbitrary<T>, freq = 2): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq });

const attempt: fc.Arbitrary<Attempt> = fc.record({
  way: fc.constantFrom(...WAYS),
  ms: fc.oneof(fc.constant(0), ms(60)),
  values: fc.integer({ min: 0, max: 3 }),
  ending: fc.constantFrom('complete', 'error', 'never', 'throw', 'throw in subscribe'),
  isTeardownBad: fc.constantFrom(false, false, false, true),
});

const call: fc.Arbitrary<CallStep> = fc.record({
  do: fc.constant('call'),
  driver: fc.constantFrom('promise', 'observable'),
  key: fc.integer({ min: 0, max: 4 }),
  priority: fc.integer({ min: 0, max: 3 }),
  cost: fc.constantFrom(1, 1, 1, 2, 0.5, 0),
  attempts: fc.array(attempt, { minLength: 1, maxLength: 4 }),
  abortMs: maybe(ms(100, -1), 3),
  unsubscribeMs: maybe(ms(100), 3),
});

const advance: fc.Arbitrary<Step> = fc.record({ do: fc.constant('advance'), ms: ms(30) });
const rare: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('reconfigure' as const), kind: fc.constantFrom(...KINDS), to: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    do: fc.constant('force' as const),
    how: fc.constantFrom('forceOpen' as const, 'disable' as const, 'metricsOnly' as const, 'close' as const, 'reset' as const),
  }),
  fc.constant({ do: 'drain' as const }),
);

const few = { maxKeys: fc.constantFrom(2, 100) };

const options: fc.Arbitrary<Options> = fc.record(
  {
    fallback: fc.record({ tiers: fc.array(fc.constantFrom('throws', 'answers', 'later', 'value'), { minLength: 1, maxLength: 3 }) }),
    retry: fc.record(
      {
        maxAttempts: fc.integer({ min: 1, max: 4 }),
        backoff: fc.constantFrom<unknown[]>('none', 10, { initialDelay: 10, maxDelay: 50 }),
        maxDuration: fc.constant(200),
        budget: fc.constant({ ratio: 0.5, minPerSecond: 1, window: '1s' }),
      },
      { requiredKeys: ['maxAttempts', 'backoff'] },
    ),
    circuitBreaker: fc.record(
      {
        consecutiveFailures: fc.constant(3),
        openDuration: fc.constantFrom(20, 50),
        halfOpenCalls: fc.integer({ min: 1, max: 2 }),
        automaticHalfOpen: fc.boolean(),
        ...few,
      },
      { requiredKeys: ['consecutiveFailures', 'openDuration'] },
    ),
    rateLimit: fc.record(
      {
        limit: fc.constant(2),
        per: fc.constant(20),
        algorithm: fc.constantFrom('token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'),
        maxWait: ms(100),
        ...few,
      },
      { requiredKeys: ['limit', 'per', 'algorithm', 'maxWait'] },
    ),
    timeout: fc.oneof(
      fc.record({ duration: ms(45, 5) }),
      fc.record({ total: ms(160, 5) }),
      fc.record({ duration: ms(45, 5), more: ms(100) }).map(({ duration, more }) => ({ duration, total: duration + more })),
    ),
    bulkhead: fc.oneof(
      fc.record({ maxConcurrent: fc.integer({ min: 1, max: 3 }), ...few }),
      fc.record(
        {
          maxConcurrent: fc.integer({ min: 1, max: 3 }),
          maxQueue: fc.integer({ min: 1, max: 4 }),
          queueTimeout: ms(40, 1),
          overflow: fc.constantFrom('reject', 'drop-oldest'),
          ...few,
        },
        { requiredKeys: ['maxConcurrent', 'maxQueue'] },
      ),
    ),
  },
  { requiredKeys: [] },
);

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  order: maybe(fc.shuffledSubarray([...KINDS], { minLength: KINDS.length }), 2),
  options,
  hooks: fc.subarray([...HOOKS]),
  isFresh: fc.boolean(),
  steps: fc.array(fc.oneof({ weight: 8, arbitrary: call }, { weight: 4, arbitrary: advance }, { weight: 1, arbitrary: rare }), {
    minLength: 1,
    maxLength: 30,
  }),
  tricks: fc.array(fc.record({ at: fc.constantFrom(...HOOKS), nth: fc.integer({ min: 1, max: 5 }), act: fc.constantFrom(...ACTS) }), {
    maxLength: 3,
  }),
});
