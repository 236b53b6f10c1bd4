import type { Order } from '../config/index.js';
import type { PolicyDeclaration } from '../engine/contract/kind.js';
import { isRecord, type Duration } from '../options/index.js';
import type { Bulkhead as BulkheadInstance, BulkheadOptions } from '../policies/bulkhead/index.js';
import type { CircuitBreaker as CircuitBreakerInstance, CircuitBreakerOptions } from '../policies/circuit-breaker/index.js';
import type { FallbackOptions, FallbackUse } from '../policies/fallback/index.js';
import { policies, type Policy, type OrderPlace } from '../policies/index.js';
import type { RateLimitOptions } from '../policies/rate-limit/index.js';
import type { RetryOptions } from '../policies/retry/index.js';
import type { TimeoutOptions } from '../policies/timeout/index.js';
import { decorate } from './decoration/decorate.js';
import type { PolicyDecorator } from './decoration/decorator-signatures.js';
import type { AnyValue, FallbackDecorator, FallbackMethodDecorator } from './decoration/fallback-signatures.js';
import { noteAttemptParameter } from './decoration/protected-method.js';

/** As a type, the breaker that `ResilienceService.circuitBreaker` gives. */
export type CircuitBreaker = CircuitBreakerInstance;
/** As a type, the bulkhead that `ResilienceService.bulkhead` gives. */
export type Bulkhead = BulkheadInstance;

type Arguments = readonly unknown[];

function declares(label: string, policy: PolicyDeclaration) {
  return decorate(label, (declarations) => declarations.policies.push(policy));
}

/** Tries again after a failure: `@Retry(3)`, `@Retry({ maxAttempts: 3, backoff: '200ms' })`. */
export function Retry<Result = unknown, Args extends Arguments = Arguments>(
  options: number | RetryOptions<Result, Args> = {},
): PolicyDecorator<Args, Result> {
  return declares('Retry', policies.retry(options));
}

/** Stops calling what keeps failing: `@CircuitBreaker({ window: '10s' })`, `@CircuitBreaker(5, '30s')`. */
export function CircuitBreaker<Args extends Arguments = Arguments, Result = unknown>(
  options: number | CircuitBreakerOptions<Args, Result> = {},
  openDuration?: Duration,
): PolicyDecorator<Args, Result> {
  return declares('CircuitBreaker', policies.circuitBreaker(options, openDuration));
}

/** Lets so many calls run at a time: `@Bulkhead(10)`, `@Bulkhead({ maxConcurrent: 10, maxQueue: 50 })`. */
export function Bulkhead<Args extends Arguments = Arguments, PriorityArgs extends Arguments = Arguments>(
  options: number | BulkheadOptions<Args, PriorityArgs> = {},
): PolicyDecorator<Args, unknown, PriorityArgs> {
  return declares('Bulkhead', policies.bulkhead(options));
}

/** Lets so many calls start: `@RateLimit(100)` (a second), `@RateLimit({ limit: 600, per: '1m' })`. */
export function RateLimit<Args extends Arguments = Arguments, CostArgs extends Arguments = Arguments>(
  options: number | RateLimitOptions<Args, CostArgs>,
): PolicyDecorator<Args, unknown, CostArgs> {
  return declares('RateLimit', policies.rateLimit(options));
}

/** Bounds the time: `@Timeout('2s')` for each attempt, `@Timeout({ total: '5s' })` for all together. */
export function Timeout<Result = unknown>(options: Duration | TimeoutOptions<Result>): PolicyDecorator<Arguments, Result> {
  return declares('Timeout', policies.timeout(options));
}

/** Answers with something else: `@Fallback('method')`, `@Fallback((error) => value)`, `@Fallback({ value })`, `@Fallback({ tiers })`. */
export function Fallback<Name extends string>(method: Name): FallbackMethodDecorator<Name>;
export function Fallback<Args extends Arguments = Arguments, const Result extends AnyValue = AnyValue>(
  use: Exclude<FallbackUse<Args, Result>, string>,
): FallbackDecorator<Args, Result>;
export function Fallback<Args extends Arguments = Arguments, const Result extends AnyValue = AnyValue, const Name extends string = never>(
  options: FallbackOptions<Args, Result, Name>,
): FallbackDecorator<Args, Result, Name>;
export function Fallback(
  input: FallbackUse | FallbackOptions,
): (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => void {
  return declares('Fallback', policies.fallback(input));
}

/** What `@Resilience({ ... })` says about the whole pipeline. */
export interface PipelineOptions {
  /** The order of layers, outermost first: a list of kinds, where those that it leaves out keep their places, or `'declared'` for that of the source. */
  order: Order<OrderPlace>;
}

/** Applies a preset of `forRoot({ presets })`, or policies that are given; or says in which order they stand. */
export function Resilience(what: string | Policy | PipelineOptions): PolicyDecorator {
  return decorate('Resilience', (declarations) => {
    if (typeof what === 'string') declarations.presets.push(what);
    else if (isOrder(what)) declarations.order = what.order;
    else declarations.policies.push(what);
  });
}

/** Of what is no object, what it is for is said where it is compiled, under the name of its method. */
function isOrder(what: Policy | PipelineOptions): what is PipelineOptions {
  return isRecord(what) && 'order' in what;
}

/** Marks the parameter that gets the `AttemptContext`, where the caller leaves it undefined. */
export function Attempt(): ParameterDecorator {
  return (target, key, index) => {
    if (key !== undefined) noteAttemptParameter(target, key, index);
  };
}
