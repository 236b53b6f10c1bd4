export { AttemptContext } from './call/attempt-context.js';
export { systemClock, systemRandom, type Clock, type RandomSource, type TimerHandle } from './clock.js';
export type { ResilienceLogger } from './telemetry/logger.js';
export { ResilienceConfigError, ResilienceError, type ErrorDetails } from './error.js';
export type { EventBase, EventListener } from './telemetry/events.js';
export { isTransientError } from './failure-filter.js';
export type { CommandScope, HealthStatus, KeyListing, KeyPage, KeySnapshot } from './contract/instance.js';
export type { PolicyDeclaration } from './contract/kind.js';
export type { LabelValues, MetricType } from './telemetry/metric.js';
export type {
  CallbackFailedEvent,
  ConfigChangedEvent,
  ControlAppliedEvent,
  EngineEvent,
  OperationEvent,
} from './telemetry/operation-events.js';
