export * from './public.js';
export { circuitBreakerKind } from './circuit-breaker.kind.js';
export { CircuitBreakerStrategy } from './circuit-breaker.strategy.js';
export { circuitBreaker } from './circuit-breaker.policy.js';
