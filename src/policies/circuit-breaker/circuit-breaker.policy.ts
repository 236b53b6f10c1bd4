import {
  callback,
  choice,
  duration,
  either,
  failureRules,
  flag,
  integer,
  number,
  ratio,
  record,
  rule,
  declare,
  shorthand,
  text,
  DURATION_PATTERN,
  parseDuration,
  writeDuration,
  type Duration,
  type FailureOptions,
  type OptionsOf,
  type Rule,
  STORE_FAILURE_MODES,
  type StoreFailureMode,
} from '../../options/index.js';

/** An open time that grows with each failed trial and starts again at `initial` after the circuit has closed. */
export interface GrowingDuration {
  initial: Duration;
  /** @default 2 */
  multiplier?: number;
  /** @default '10m' */
  max?: Duration;
}

/** Stops calling what keeps failing, and tries it again later. */
export interface CircuitBreakerOptions<Args extends readonly unknown[] = readonly never[], Result = unknown> extends FailureOptions<
  Result,
  Args
> {
  /** Breakers of one name share their state. Default: the operation id. */
  name?: string;
  /**
   * What the rates are taken over: the last N calls (a number), or the calls of a time (a string; ten buckets).
   * @default 100
   */
  window?: number | Exclude<Duration, number>;
  /** Calls in the window before a rate is judged. @default 10 */
  minimumCalls?: number;
  /** Opens at this share of failed calls, or above. @default 0.5 */
  failureRateThreshold?: number;
  /** Opens at so many failures in a row. Without any option of the window beside it, it is the only rule. */
  consecutiveFailures?: number;
  /** A call is slow when it took longer. Without it no call is slow. */
  slowCallDuration?: Duration;
  /** Opens at this share of slow calls, or above. @default 1 */
  slowCallRateThreshold?: number;
  /**
   * How long it stays open before a trial: a duration, one that grows, or a function of the number of openings in a row.
   * @default '30s'
   */
  openDuration?: Duration | GrowingDuration | ((openings: number) => Duration);
  /** Trial calls in flight at most while half-open. @default 1 */
  halfOpenCalls?: number;
  /** Successful trials that close it. */
  successThreshold?: number;
  /** A trial without an answer for so long counts as failed, and its signal is aborted. */
  halfOpenTimeout?: Duration;
  /** One circuit for each key; `undefined` or `null` means the common one. */
  key?: (...args: Args) => string | null | undefined;
  /** Keys at most; beyond it the least recently used circuit is forgotten, open ones last. @default 10000 */
  maxKeys?: number;
  /** Becomes half-open by a timer, and tells it, instead of at the next call. @default false */
  automaticHalfOpen?: boolean;
  /** An open circuit makes readiness fail. @default false */
  critical?: boolean;
  /** One circuit for all instances of the application, kept in a store (`nestjs-bulwark/redis`). @default false */
  shared?: boolean;
  /**
   * While the store of a shared breaker cannot be asked: `local` goes on from what the fleet knew last as a breaker of this instance,
   * `allow` lets all calls pass, `reject` none. Default: what the store says (`local`).
   */
  onStoreFailure?: StoreFailureMode;
}

/** `policies.circuitBreaker(...)`. */
export interface CircuitBreakerPolicy<Args extends readonly unknown[] = readonly never[], Result = unknown> extends CircuitBreakerOptions<
  Args,
  Result
> {
  readonly kind: 'circuitBreaker';
}

/** The window as the circuit takes it. */
export type WindowSettings = { readonly type: 'count'; readonly size: number } | { readonly type: 'time'; readonly durationMs: number };

/** The open time as the circuit takes it, all in milliseconds. */
export type OpenDuration =
  number | { readonly initial: number; readonly multiplier: number; readonly max: number } | ((openings: number) => Duration);

/** A byte a call: one window takes at most a megabyte. */
const LARGEST_WINDOW = 1_000_000;

function writeWindow(value: unknown): string {
  const window = value as WindowSettings;
  return window.type === 'count' ? `${window.size}` : writeDuration(window.durationMs);
}

const windowRule = either<WindowSettings>(
  [
    rule(
      `an integer from 1 to ${LARGEST_WINDOW} (calls)`,
      (value) =>
        Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LARGEST_WINDOW
          ? { type: 'count', size: value as number }
          : undefined,
      { schema: { type: 'integer', minimum: 1, maximum: LARGEST_WINDOW } },
    ),
    rule(
      'a time like "10s"',
      (value) => {
        const durationMs = typeof value === 'string' ? parseDuration(value) : undefined;
        return durationMs === undefined || durationMs === 0 ? undefined : { type: 'time', durationMs };
      },
      { schema: { type: 'string', pattern: DURATION_PATTERN }, words: writeWindow },
    ),
  ],
  { default: 100 },
);

const growing = record(
  'a growing duration ({ initial, multiplier, max })',
  { initial: duration(), multiplier: number({ min: 1, default: 2 }), max: duration({ default: '10m' }) },
  ['initial'],
  ({ initial, max }, path, problems) => {
    if (max < initial) problems.add(`${path}.max must be at least ${path}.initial (${initial} ms), got ${max} ms`);
  },
);

export const circuitBreakerRules = {
  name: text({ defaultNote: 'operation id' }),
  window: windowRule,
  minimumCalls: integer({ min: 1, default: 10, defaultNote: '10, at most the size of a count window' }),
  failureRateThreshold: ratio({ default: 0.5 }),
  consecutiveFailures: integer({ min: 1 }),
  slowCallDuration: duration(),
  slowCallRateThreshold: ratio({ default: 1 }),
  openDuration: either<OpenDuration>(
    [
      duration(),
      growing,
      rule('a function (openings) => duration', (value) =>
        typeof value === 'function' ? (value as (openings: number) => Duration) : undefined,
      ),
    ],
    { default: '30s' },
  ),
  halfOpenCalls: integer({ min: 1, default: 1 }),
  successThreshold: integer({ min: 1, defaultNote: '`halfOpenCalls`' }),
  halfOpenTimeout: duration({
    defaultNote: 'the longer of `openDuration` (the first one where it grows) and the timeout of the operation',
  }),
  key: callback<(...args: readonly unknown[]) => unknown>('(...args) => string'),
  maxKeys: integer({ min: 1, default: 10_000 }),
  automaticHalfOpen: flag({ default: false }),
  critical: flag({ default: false }),
  shared: flag({ default: false }),
  onStoreFailure: choice(STORE_FAILURE_MODES, { defaultNote: 'what the store says' }),
  ...failureRules,
} satisfies Record<keyof CircuitBreakerOptions, Rule>;

/** Its options as they are resolved. */
export type ResolvedCircuitBreaker = OptionsOf<typeof circuitBreakerRules>;

/**
 * Stops calling what keeps failing: `circuitBreaker(5, '30s')` opens after five failures in a row for 30 seconds;
 * options for everything else.
 */
export function circuitBreaker<Args extends readonly unknown[] = readonly never[], Result = unknown>(
  options: number | CircuitBreakerOptions<Args, Result> = {},
  openDuration?: Duration,
): CircuitBreakerPolicy<Args, Result> {
  const opening = openDuration === undefined ? {} : { openDuration };
  return declare('circuitBreaker', Object.assign(shorthand<CircuitBreakerOptions<Args, Result>>('consecutiveFailures', options), opening));
}
