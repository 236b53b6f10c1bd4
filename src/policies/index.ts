/**
 * THE KIND TABLE. A new kind of policy is a folder beside this file, a line in `kindTable` at its place in the order,
 * and a line in each of the unions below. Nothing else in the library names kinds, but for the decorators.
 */
import type { EventBase } from '../engine/events.js';
import { bulkhead, bulkheadKind, type BulkheadEvent, type BulkheadOptions, type BulkheadPolicy } from './bulkhead/index.js';
import {
  circuitBreaker,
  circuitBreakerKind,
  type CircuitBreakerEvent,
  type CircuitBreakerOptions,
  type CircuitBreakerPolicy,
} from './circuit-breaker/index.js';
import { combine, none, type CombinedPolicy, type NonePolicy } from './composite.js';
import { fallback, fallbackKind, type FallbackEvent, type FallbackOptions, type FallbackPolicy } from './fallback/index.js';
import { rateLimit, rateLimitKind, type RateLimitEvent, type RateLimitOptions, type RateLimitPolicy } from './rate-limit/index.js';
import { retry, retryKind, type RetryEvent, type RetryOptions, type RetryPolicy } from './retry/index.js';
import { timeout, timeoutKind, type TimeoutEvent, type TimeoutOptions, type TimeoutPolicy } from './timeout/index.js';

/** All kinds in the canonical order, outermost first. */
export const kindTable = [fallbackKind, retryKind, circuitBreakerKind, rateLimitKind, timeoutKind, bulkheadKind] as const;

/** Builds declarations: `policies.retry(3)`, `policies.combine(policies.timeout('2s'), policies.bulkhead(10))`. */
export const policies = {
  retry,
  circuitBreaker,
  rateLimit,
  timeout,
  bulkhead,
  fallback,
  /** Several policies as one: at most one of each kind. */
  combine: (...members: readonly Policy[]): CombinedPolicy<Policy> => combine(...members),
  none,
} as const;

/** The options of each kind, as `forRoot({ defaults })` takes them. */
export interface OptionsByKind {
  fallback: FallbackOptions;
  retry: RetryOptions;
  circuitBreaker: CircuitBreakerOptions;
  rateLimit: RateLimitOptions;
  timeout: TimeoutOptions;
  bulkhead: BulkheadOptions;
}

/** What `forRoot({ overrides })` maps a key to: options for a kind, `false` to switch it off, `enabled` for all kinds. */
export type PolicyOverrides = { readonly enabled?: boolean } & {
  readonly [Kind in PolicyKindName]?: boolean | (Partial<Omit<OptionsByKind[Kind], 'name'>> & { readonly enabled?: boolean });
};

/** What `reconfigure` takes: options for each kind that is to change. */
export type PolicyChanges = {
  readonly [Kind in PolicyKindName]?: Partial<Omit<OptionsByKind[Kind], 'name'>>;
};

// What a method returns is erased here: functions take it and functions give it, so neither unknown nor never would fit.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyResult = any;

/** One policy of one kind, for whatever arguments and result. */
export type SinglePolicy =
  | FallbackPolicy<readonly never[], AnyResult>
  | RetryPolicy<AnyResult>
  | CircuitBreakerPolicy<readonly never[], AnyResult>
  | RateLimitPolicy
  | TimeoutPolicy<AnyResult>
  | BulkheadPolicy;

/** What protects an operation. */
export type Policy = SinglePolicy | CombinedPolicy<Policy> | NonePolicy;

export type PolicyKindName = (typeof kindTable)[number]['kind'];

/** A counter of `metrics()`, as the kinds declare them. */
export type CounterName = (typeof kindTable)[number]['telemetry']['counters'][number]['name'];

/** An operation succeeded or failed, after all that its policies did. */
export interface OperationEvent extends EventBase {
  readonly type: 'operation.succeeded' | 'operation.failed';
  /** Milliseconds from the call to the answer. NaN where listening began during the call. */
  readonly durationMs: number;
  readonly attempts: number;
  /** Of a failed one. */
  readonly error?: unknown;
}

/** A function of the user's threw where the call went on without it. */
export interface CallbackFailedEvent extends EventBase {
  readonly type: 'callback.failed';
  /** Which one: `@Retry onRetry`. */
  readonly callback: string;
  readonly error: unknown;
}

/** `reconfigure` changed the policies of a name. */
export interface ConfigChangedEvent extends EventBase {
  readonly type: 'config.changed';
  readonly policyName: string;
  readonly kind: string;
  /** The options that were given, durations in milliseconds. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Everything that `events$` tells. */
export type ResilienceEvent =
  | ConfigChangedEvent
  | OperationEvent
  | CallbackFailedEvent
  | FallbackEvent
  | RetryEvent
  | CircuitBreakerEvent
  | RateLimitEvent
  | TimeoutEvent
  | BulkheadEvent;
