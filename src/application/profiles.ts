import type { Duration } from '../options/index.js';
import { policies, type OptionsByKind, type Policy } from '../policies/index.js';

/** What `standardHttpClient` may be told; everything else is reasoned below. */
export interface StandardHttpClientOptions {
  /** Shared state of all clients of one dependency, e.g. its host name. */
  readonly name?: string;
  /**
   * How long the caller waits at most, retries included.
   * @default '10s'
   */
  readonly total?: Duration;
  /**
   * How long an attempt may take.
   * @default '3s'
   */
  readonly attempt?: Duration;
  /**
   * Calls at a time.
   * @default 100
   */
  readonly maxConcurrent?: number;
}

/**
 * What a client of another service over HTTP needs, as a policy: total timeout, retry with jitter, breaker, attempt timeout,
 * bulkhead. Only for calls that may be repeated. After the standard resilience handler of .NET, but with shorter times:
 * three attempts of 3 s with two pauses fit into 10 s; a breaker over 30 s with at least 20 calls opens at a tenth of
 * failures for 5 s, so that a dependency that is down costs one trial every 5 s.
 */
export function standardHttpClient({ name, total = '10s', attempt = '3s', maxConcurrent = 100 }: StandardHttpClientOptions = {}): Policy {
  const named = name === undefined ? {} : { name };
  return policies.combine(
    policies.retry({ ...named, maxAttempts: 3, backoff: { initialDelay: '200ms', maxDelay: '2s', jitter: 'full' } }),
    policies.circuitBreaker({ ...named, window: '30s', minimumCalls: 20, failureRateThreshold: 0.1, openDuration: '5s' }),
    policies.timeout({ ...named, duration: attempt, total }),
    policies.bulkhead({ ...named, maxConcurrent, maxQueue: maxConcurrent, queueTimeout: attempt }),
  );
}

/** What a profile says of a whole application. */
export interface Profile {
  readonly defaults: Partial<OptionsByKind>;
  readonly env: boolean;
  readonly stackTraces: boolean;
}

/** The sets of defaults by name; see `forRoot({ profile })`. */
export const PROFILES = {
  /** Jittered retries within a budget, a breaker that probes soon, operators may change all of it by environment variables. */
  production: {
    defaults: {
      retry: { backoff: { initialDelay: '100ms', maxDelay: '5s', jitter: 'full' }, budget: { ratio: 0.2, minPerSecond: 10 } },
      circuitBreaker: { window: '30s', minimumCalls: 20, openDuration: '10s' },
    },
    env: true,
    stackTraces: false,
  },
  /** Mistakes show at once: short pauses, small windows, stack traces of rejections. */
  development: {
    defaults: {
      retry: { backoff: { initialDelay: '10ms', maxDelay: '100ms' } },
      circuitBreaker: { window: 20, minimumCalls: 5, openDuration: '2s' },
    },
    env: true,
    stackTraces: true,
  },
} as const satisfies Record<string, Profile>;

/** A set of defaults by its name. */
export type ProfileName = keyof typeof PROFILES;

/**
 * The option `profile` for an environment: `ResilienceModule.forRoot({ ...profile(process.env.NODE_ENV), ... })`. Only
 * `'development'` is development; where the environment is not set, or has a name of your own, it is production.
 */
export function profile(name: ProfileName | (string & {}) | undefined): { readonly profile: ProfileName } {
  return { profile: name === 'development' ? 'development' : 'production' };
}
