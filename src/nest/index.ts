export * from './decorators.js';
export type { AsyncMethod, PolicyDecorator } from './decoration/decorator-signatures.js';
export type { FallbackDecorator, FallbackMethodDecorator } from './decoration/fallback-signatures.js';
export { OnResilienceEvent, type EventMethodDecorator, type OnResilienceEventOptions } from './events/on-resilience-event.js';
export { SkipResilience, skipsResilience } from './decoration/skip-resilience.js';
export { ResilienceModule, ResilienceService } from './resilience.module.js';
export type { ResilienceFeatureOptions } from './resilience-feature.module.js';
export type { ResilienceModuleExtras, ResilienceModuleOptions } from './resilience.module-definition.js';
export type { Unmanaged } from './runtime/runtime.js';
