/**
 * THE KIND TABLE. A new kind of policy is a folder beside this file, a line in `kindTable` at its place in the order, one in
 * `policies`, and one in `PolicyKinds`, of which the types are made. Nothing else in the library names kinds, but for the decorators.
 */
import type { EngineEvent } from '../engine/telemetry/operation-events.js';
import { operationTelemetry } from '../engine/telemetry/operation.telemetry.js';
import type { EventDeclaration } from '../engine/telemetry/events.js';
import { bulkhead, bulkheadKind, type Bulkhead, type BulkheadEvent, type BulkheadOptions, type BulkheadPolicy } from './bulkhead/index.js';
import {
  circuitBreaker,
  circuitBreakerKind,
  type CircuitBreaker,
  type CircuitBreakerEvent,
  type CircuitBreakerOptions,
  type CircuitBreakerPolicy,
} from './circuit-breaker/index.js';
import { combine, none, type CombinedPolicy, type NonePolicy } from './composite.js';
import { fallback, fallbackKind, type FallbackEvent, type FallbackOptions, type FallbackPolicy } from './fallback/index.js';
import {
  rateLimit,
  rateLimitKind,
  type RateLimitEvent,
  type RateLimiter,
  type RateLimitOptions,
  type RateLimitPolicy,
} from './rate-limit/index.js';
import { storeTelemetry, type StoreEvent } from './store.telemetry.js';
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
  /** Several policies as one: of each kind one, of rate limits, circuit breakers and bulkheads one of each name. */
  combine: (...members: readonly Policy[]): CombinedPolicy<Policy> => combine(...members),
  none,
} as const;

// What a method returns is erased here: functions take it and functions give it, so neither unknown nor never would fit.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyResult = any;

/**
 * What each kind is to the type checker: its options, its declaration for whatever arguments and result, its events, and its
 * instances where they can be used by hand.
 */
export interface PolicyKinds {
  fallback: { options: FallbackOptions; policy: FallbackPolicy<readonly never[], AnyResult>; event: FallbackEvent };
  retry: { options: RetryOptions; policy: RetryPolicy<AnyResult>; event: RetryEvent };
  circuitBreaker: {
    options: CircuitBreakerOptions;
    policy: CircuitBreakerPolicy<readonly never[], AnyResult>;
    event: CircuitBreakerEvent;
    instance: CircuitBreaker;
  };
  rateLimit: { options: RateLimitOptions; policy: RateLimitPolicy; event: RateLimitEvent; instance: RateLimiter };
  timeout: { options: TimeoutOptions; policy: TimeoutPolicy<AnyResult>; event: TimeoutEvent };
  bulkhead: { options: BulkheadOptions; policy: BulkheadPolicy; event: BulkheadEvent; instance: Bulkhead };
}

/** `retry`, `circuitBreaker`, ...: the key of a kind in `defaults`, `overrides` and `order`. */
export type PolicyKindName = keyof PolicyKinds;

/** What `order` can name: a kind, or the time limit of the whole (`@Timeout({ total })`). */
export type OrderPlace = PolicyKindName | (typeof timeoutKind)['totalPlace'];

/** The options of each kind, as `forRoot({ defaults })` takes them. */
export type OptionsByKind = { [Kind in PolicyKindName]: PolicyKinds[Kind]['options'] };

/** What `forRoot({ overrides })` maps a key to: options for a kind, `false` to switch it off, `enabled` for all kinds. */
export type PolicyOverrides = { readonly enabled?: boolean } & {
  readonly [Kind in PolicyKindName]?: boolean | (Partial<Omit<OptionsByKind[Kind], 'name'>> & { readonly enabled?: boolean });
};

/** What `reconfigure` takes: options for each kind that is to change. */
export type PolicyChanges = {
  readonly [Kind in PolicyKindName]?: Partial<Omit<OptionsByKind[Kind], 'name'>>;
};

/** One policy of one kind, for whatever arguments and result. */
export type SinglePolicy = PolicyKinds[PolicyKindName]['policy'];

/** What protects an operation. */
export type Policy = SinglePolicy | CombinedPolicy<Policy> | NonePolicy;

/** A counter of `metrics()`, as the kinds declare them. */
export type CounterName = (typeof kindTable)[number]['telemetry']['counters'][number]['name'];

/** Everything that `events$` tells. */
export type ResilienceEvent = EngineEvent | StoreEvent | PolicyKinds[PolicyKindName]['event'];

/** Every type of event with what it means. */
export const eventDeclarations: Readonly<Record<string, EventDeclaration>> = Object.fromEntries(
  [operationTelemetry, storeTelemetry, ...kindTable.map(({ telemetry }) => telemetry)].flatMap(({ events }) => Object.entries(events)),
);

/** Every type of event. */
export const eventTypes: readonly string[] = Object.keys(eventDeclarations);

/** Their groups: `circuit-breaker`, `retry`, ... */
export const eventGroups: readonly string[] = [...new Set(eventTypes.map((type) => type.split('.')[0]!))];

/** Everything that a listener may name: types, groups, all. */
export const eventPatterns: readonly string[] = ['*', ...eventGroups.map((group) => `${group}.*`), ...eventTypes];

/** Those that may come with every call that does not go well, which is why they are logged for debugging only. */
export const eventsOfAttempts: readonly string[] = eventTypes.filter((type) => eventDeclarations[type]!.level === 'debug');

export type EventType = ResilienceEvent['type'];

/** One type of event, all of a group (`circuit-breaker.*`), or all (`*`). */
export type EventPattern = EventType | '*' | `${EventType extends `${infer Group}.${string}` ? Group : never}.*`;

/** The events that a pattern means. */
export type EventOf<Pattern extends EventPattern> = Pattern extends '*'
  ? ResilienceEvent
  : Pattern extends `${infer Group}.*`
    ? Extract<ResilienceEvent, { readonly type: `${Group}.${string}` }>
    : Extract<ResilienceEvent, { readonly type: Pattern }>;
