/** What users see of this kind. */
export { CircuitOpenError } from './circuit-breaker.error.js';
export type { CircuitBreakerOptions, CircuitBreakerPolicy, GrowingDuration } from './circuit-breaker.policy.js';
export type {
  CircuitBreakerClosedEvent,
  CircuitBreakerEvent,
  CircuitBreakerHalfOpenedEvent,
  CircuitBreakerOpenedEvent,
  CircuitBreakerRejectedEvent,
  CircuitBreakerStateForcedEvent,
  CircuitBreakerEventBase,
} from './circuit-breaker.telemetry.js';
export type { CircuitCommandOptions } from './shared/command.js';
export { CircuitBreaker } from './circuit-breaker.js';
export type { CircuitSnapshot } from './snapshot.js';
export { CircuitPermit } from './permit.js';
export type { CircuitStateName } from './circuit-state.js';
export type { CircuitBreakerHealthOptions } from './circuit-breaker.instance.js';
