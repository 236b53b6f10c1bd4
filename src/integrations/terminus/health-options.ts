import { ResilienceConfigError } from '../../core.js';
import { choice, flag, Problems, ratio, readSettings, rule, type Rules } from '../../options/index.js';

const STATUSES = ['up', 'degraded', 'down'] as const;

/** What a probe is told. */
export type HealthStatus = (typeof STATUSES)[number];

/** Which instances, by name. Default: all. */
export interface HealthSelection {
  readonly names?: readonly string[];
}

/** How the state of a circuit breaker is told. */
export interface CircuitBreakerHealthOptions extends HealthSelection {
  /** What an open circuit means. Default: `'down'` for a critical breaker, `'degraded'` for the others. */
  readonly openIs?: HealthStatus;
  /**
   * What a half-open circuit means. Not `'down'` by default, not even for a critical one: without traffic there is no
   * trial, and the circuit would stay as it is.
   * @default 'degraded'
   */
  readonly halfOpenIs?: HealthStatus;
  /**
   * Shows the key of the worst circuit. Keys are often somebody's (a tenant, an address, an API key), and a probe's answer is seen by
   * many, so by default there is only the number of keys whose circuits are open.
   * @default false
   */
  readonly showKeys?: boolean;
}

/** How the use of a bulkhead is told. */
export interface BulkheadHealthOptions extends HealthSelection {
  /**
   * From this share of places in use on, the bulkhead is told as `saturatedIs`.
   * @default 1
   */
  readonly maxUtilization?: number;
  /** @default 'degraded' */
  readonly saturatedIs?: HealthStatus;
}

/** How the state of a rate limiter is told. */
export interface RateLimiterHealthOptions extends HealthSelection {
  /**
   * What a limit without a permit left means. A limiter at its limit does its work, so it is no fault.
   * @default 'up'
   */
  readonly exhaustedIs?: HealthStatus;
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';

const SELECTION = {
  names: rule('a list of names', (value) => (Array.isArray(value) && value.every(isName) ? (value as readonly string[]) : undefined)),
};

const CIRCUIT_BREAKER = {
  ...SELECTION,
  openIs: choice(STATUSES),
  halfOpenIs: choice(STATUSES),
  showKeys: flag({ default: false }),
} satisfies Record<keyof CircuitBreakerHealthOptions, unknown>;

const BULKHEAD = {
  ...SELECTION,
  maxUtilization: ratio({ default: 1 }),
  saturatedIs: choice(STATUSES, { default: 'degraded' }),
} satisfies Record<keyof BulkheadHealthOptions, unknown>;

const RATE_LIMITER = {
  ...SELECTION,
  exhaustedIs: choice(STATUSES, { default: 'up' }),
} satisfies Record<keyof RateLimiterHealthOptions, unknown>;

function reader<Options extends object>(method: string, rules: Rules): (options: unknown) => Options {
  return (options) => {
    const problems = new Problems();
    const read = problems.at(`ResilienceHealthIndicator.${method}:`, (found) => readSettings<Options>(rules, options, found));
    if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
    return read;
  };
}

/** The options of each method, checked. They come with each probe, and there is no earlier moment to look at them. */
export const readCircuitBreakerOptions = reader<CircuitBreakerHealthOptions>('circuitBreakers', CIRCUIT_BREAKER);
export const readBulkheadOptions = reader<BulkheadHealthOptions>('bulkheads', BULKHEAD);
export const readRateLimiterOptions = reader<RateLimiterHealthOptions>('rateLimiters', RATE_LIMITER);
