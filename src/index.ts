/** `nestjs-bulwark`: decorators, module and service for NestJS, and all of `nestjs-bulwark/core`. */
export * from './core.js';
export * from './nest/index.js';
// These names stand for decorators here; as types two of them are still the instances that the service gives.
export { Bulkhead, CircuitBreaker, Resilience } from './nest/index.js';
