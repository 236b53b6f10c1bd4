import {
  callback,
  choice,
  duration,
  either,
  failureRules,
  flag,
  integer,
  number,
  record,
  rule,
  declare,
  shorthand,
  text,
  type Duration,
  type FailureOptions,
  type OptionsOf,
  type Rule,
} from '../../options/index.js';

/** How delays grow and spread. */
export interface BackoffOptions {
  /**
   * How the delay grows with the attempts: `initialDelay * multiplier^(n-1)`, `initialDelay * n`, or not at all.
   * @default 'exponential'
   */
  type?: 'exponential' | 'linear' | 'constant';
  /**
   * Delay before the second attempt, without jitter.
   * @default '100ms'
   */
  initialDelay?: Duration;
  /**
   * Growth from one delay to the next; exponential only.
   * @default 2
   */
  multiplier?: number;
  /**
   * No delay is ever longer, jitter included; `Infinity` for no bound.
   * @default '30s'
   */
  maxDelay?: Duration;
  /**
   * Spread around the delay d: `'full'` [0, d], `'equal'` [d/2, d], a number j of 0 to 1 [d(1-j), d(1+j)], `'decorrelated'`
   * min(maxDelay, uniform(initialDelay, 3 * previousDelay)). Names and formulas follow AWS, "Exponential Backoff And
   * Jitter" (2015).
   * @default 'full'
   */
  jitter?: 'full' | 'equal' | 'decorrelated' | 'none' | number;
}

/** What a backoff function is told. */
export interface BackoffInput {
  /** The attempt that failed, from 1 on. */
  readonly attempt: number;
  /** Why; the returned value where that was bad. */
  readonly error: unknown;
  /** The delay before the failed attempt in milliseconds; undefined before the first one. */
  readonly previousDelay: number | undefined;
}

/** Gives the delay before the next attempt; a negative number stops the retrying. */
export type BackoffFunction = (input: BackoffInput) => Duration;

/** A bound on retries as a share of the calls, so that retrying cannot become the outage. */
export interface RetryBudgetOptions {
  /**
   * Retries for each call in the window.
   * @default 0.2
   */
  ratio?: number;
  /**
   * Retries a second that are allowed beside, so that few calls can be retried too.
   * @default 10
   */
  minPerSecond?: number;
  /**
   * How far back calls and retries are counted.
   * @default '10s'
   */
  window?: Duration;
}

/** What `onRetry` is told. */
export interface RetryNotice {
  /** The attempt that failed, from 1 on. */
  readonly attempt: number;
  readonly error: unknown;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
  readonly operationId: string;
}

/** Tries again after a failure. */
export interface RetryOptions<Result = unknown, Args extends readonly unknown[] = readonly never[]> extends FailureOptions<Result, Args> {
  /**
   * How often the method is called at most, the first call included.
   * @default 3
   */
  maxAttempts?: number;
  /**
   * Delay between attempts: `'none'`, a duration (always the same), options, or a function.
   * @default { type: 'exponential', initialDelay: '100ms', multiplier: 2, maxDelay: '30s', jitter: 'full' }
   */
  backoff?: 'none' | Duration | BackoffOptions | BackoffFunction;
  /** No new attempt starts when the time since the first one plus the delay would pass it. */
  maxDuration?: Duration;
  /**
   * Take `retryAfterMs` of an error, or the `Retry-After` header of its response, as the least delay. One beyond
   * `maxDuration`, or beyond `maxDelay` where there is no `maxDuration`, ends the retrying.
   * @default true
   */
  respectRetryAfter?: boolean;
  /** Bounds retries by the calls; shared by `name`. */
  budget?: RetryBudgetOptions;
  /** Told before each wait for another attempt. */
  onRetry?: (notice: RetryNotice) => void;
  /** Retries of one name share their budget. */
  name?: string;
}

/** `policies.retry(...)`. */
export interface RetryPolicy<Result = unknown, Args extends readonly unknown[] = readonly never[]> extends RetryOptions<Result, Args> {
  readonly kind: 'retry';
}

/** A backoff as the strategy takes it: all in milliseconds. */
export interface Backoff {
  readonly type: 'exponential' | 'linear' | 'constant';
  readonly initialDelay: number;
  readonly multiplier: number;
  readonly maxDelay: number;
  readonly jitter: 'full' | 'equal' | 'decorrelated' | 'none' | number;
}

const DEFAULT_MAX_DELAY_MS = 30_000;

const backoffRules = {
  type: choice(['exponential', 'linear', 'constant'], { default: 'exponential' }),
  initialDelay: duration({ default: '100ms' }),
  multiplier: number({ min: 1, default: 2 }),
  maxDelay: duration({ unbounded: true, defaultNote: "'30s', or `initialDelay` where that is longer" }),
  jitter: either<Backoff['jitter']>([choice(['full', 'equal', 'decorrelated', 'none']), number({ min: 0, max: 1 })], { default: 'full' }),
} satisfies Record<keyof BackoffOptions, Rule>;

const backoffRecord = record('backoff options', backoffRules, [], (backoff, path, problems) => {
  const { initialDelay, maxDelay } = backoff;
  if (maxDelay !== undefined && maxDelay < initialDelay) {
    problems.add(`${path}.maxDelay must be at least ${path}.initialDelay (${initialDelay} ms), got ${maxDelay} ms`);
  }
});

/** Constant without jitter: what a plain duration means. */
function constant(delayMs: number): Backoff {
  return { type: 'constant', initialDelay: delayMs, multiplier: 1, maxDelay: Math.max(DEFAULT_MAX_DELAY_MS, delayMs), jitter: 'none' };
}

const backoff = either<'none' | Backoff | BackoffFunction>(
  [
    choice(['none']),
    withMap(duration({ zero: true }), (delayMs) => (delayMs === 0 ? 'none' : constant(delayMs))),
    withMap(backoffRecord, (given) => ({ maxDelay: Math.max(DEFAULT_MAX_DELAY_MS, given.initialDelay), ...given })),
    rule('a function ({ attempt, error, previousDelay }) => delay', (value) =>
      typeof value === 'function' ? (value as BackoffFunction) : undefined,
    ),
  ],
  { default: { type: 'exponential', initialDelay: '100ms', multiplier: 2, maxDelay: '30s', jitter: 'full' } },
);

/** A rule whose value is normalised further. */
function withMap<From, To>(inner: Rule<From>, map: (value: From) => To): Rule<To> {
  return {
    ...inner,
    read(value, path, problems) {
      const read = inner.read(value, path, problems);
      return read === undefined ? undefined : map(read);
    },
  };
}

export const retryRules = {
  maxAttempts: integer({ min: 1, unbounded: true, default: 3 }),
  backoff,
  maxDuration: duration(),
  respectRetryAfter: flag({ default: true }),
  budget: record(
    'budget options ({ ratio, minPerSecond, window })',
    {
      ratio: number({ min: 0, max: 1, default: 0.2 }),
      minPerSecond: number({ min: 0, default: 10 }),
      window: duration({ default: '10s' }),
    },
    [],
  ),
  ...failureRules,
  onRetry: callback<(notice: RetryNotice) => void>('(notice) => void'),
  name: text(),
} satisfies Record<keyof RetryOptions, Rule>;

/** Its options as they are resolved. */
export type ResolvedRetry = OptionsOf<typeof retryRules>;

/** Tries again after a failure: `retry(3)`, `retry({ maxAttempts: 3, backoff: '200ms' })`. */
export function retry<Result = unknown, Args extends readonly unknown[] = readonly never[]>(
  options: number | RetryOptions<Result, Args> = {},
): RetryPolicy<Result, Args> {
  return declare('retry', shorthand('maxAttempts', options));
}
