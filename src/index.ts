/** `nestjs-bulwark`: decorators, module and service for NestJS, and all of `nestjs-bulwark/core`. */
export * from './core.js';
// These names stand for decorators here; as types they are still the instances that the service gives.
export {
  Attempt,
  Bulkhead,
  CircuitBreaker,
  Fallback,
  OnResilienceEvent,
  RateLimit,
  Resilience,
  ResilienceModule,
  ResilienceService,
  Retry,
  SkipResilience,
  skipsResilience,
  Timeout,
} from './nest/index.js';
export type {
  AsyncMethod,
  EventMethodDecorator,
  FallbackDecorator,
  FallbackMethodDecorator,
  OnResilienceEventOptions,
  PipelineOptions,
  PolicyDecorator,
  ResilienceFeatureOptions,
  ResilienceModuleExtras,
  ResilienceModuleOptions,
  Unmanaged,
} from './nest/index.js';
