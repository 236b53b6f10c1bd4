import type { EnvOptions, Order } from '../config/index.js';
import type { AttemptContext } from '../engine/call/attempt-context.js';
import type { Clock, RandomSource } from '../engine/clock.js';
import type { ResilienceLogger } from '../engine/telemetry/logger.js';
import type { OptionsByKind, Policy, OrderPlace, PolicyOverrides, ResilienceEvent } from '../policies/index.js';
import type { ResilienceStore } from '../policies/shared-store.js';
import type { ProfileName } from './profiles.js';
import type { SnapshotStore } from './snapshots/snapshot-store.js';

/** What `createResilience` and `ResilienceModule.forRoot` take. */
export interface ResilienceOptions {
  /**
   * Where time comes from.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Where randomness comes from (jitter).
   * @default Math.random
   */
  random?: RandomSource;
  /**
   * A set of defaults for a whole service, below `defaults` and merged with them option by option; see the docs for what is in each.
   * `profile(process.env.NODE_ENV)` chooses one. Default: none.
   */
  profile?: ProfileName;
  /** Options by kind for all policies that do not say otherwise. */
  defaults?: Partial<OptionsByKind>;
  /** Named policies for `@Resilience('name')`. */
  presets?: Readonly<Record<string, Policy>>;
  /**
   * Changes of policies that are declared already, by `'*'`, class, policy name or `Class.method`: plain data, e.g. of a
   * configuration file. Stronger than every decorator.
   */
  overrides?: Readonly<Record<string, PolicyOverrides>>;
  /**
   * The same from environment variables, stronger still: `RESILIENCE_PAYMENTSCLIENT_CHARGE_RETRY_MAXATTEMPTS=5`.
   * @default false
   */
  env?: boolean | EnvOptions;
  /**
   * The order of layers, outermost first. Default: fallback, totalTimeout, retry, circuitBreaker, rateLimit, timeout, bulkhead. A list
   * may name some of them: these stand, in the order given, at the places that they hold together, and the others keep theirs.
   */
  order?: Order<OrderPlace>;
  /**
   * Kinds of policies of your own, beside those of the library and inside of them: each stands closest to the method unless `order`
   * says otherwise. `docs/write-a-policy.md` shows what a kind is made of.
   */
  kinds?: readonly OwnKind[];
  /**
   * False leaves only fallbacks working, e.g. behind a service mesh that does the rest.
   * @default true
   */
  enabled?: boolean;
  /**
   * Give the library's own errors a stack trace. A rejection then costs several times as much.
   * @default false
   */
  stackTraces?: boolean;
  /**
   * Where state is kept that several instances share (`shared` of a policy): `redisStore(...)` of `nestjs-bulwark/redis`; in Nest
   * `ResilienceRedisModule` brings it. Default: none.
   */
  store?: ResilienceStore;
  /**
   * Keeps the state of circuit breakers over restarts: `fileStore({ path })`. Beside a shared store that one's word counts for what is
   * shared. Default: a restart begins with closed circuits.
   */
  snapshots?: SnapshotStore;
  /** Told of every event. */
  onEvent?: (event: ResilienceEvent) => void;
  /** Where warnings go. Default: `process.emitWarning`; in Nest its logger. */
  logger?: ResilienceLogger;
}

/** A kind of policy of your own, as `docs/write-a-policy.md` makes one. */
export interface OwnKind {
  /** The key in `defaults`, `overrides` and `order`, and the `kind` of its policies. */
  readonly kind: string;
  /** What messages call it. */
  readonly label: string;
}

/** What a call through `execute` may say beside its policy. */
export interface ExecuteOptions {
  /** The operation that it belongs to: shown in errors and metrics, and the owner of state without a name. */
  readonly name?: string;
  /** The caller's signal: an abort ends the call at once, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Arguments for `key`, `cost`, `priority` and fallback functions. */
  readonly args?: readonly unknown[];
}

/** An operation that says itself how it wants to be protected, with no infrastructure. */
export interface ResilientOperation<Result> {
  readonly operationId: string;
  /** An open circuit of it makes readiness fail. */
  isCritical?(): boolean;
  resiliencePolicy(): Policy;
  execute(attempt: AttemptContext): Result | PromiseLike<Result>;
}
