export { AttemptContext } from './attempt-context.js';
export { systemClock, systemRandom, type Clock, type RandomSource, type TimerHandle } from './clock.js';
export type { ResilienceLogger } from './environment.js';
export { ResilienceConfigError, ResilienceError, type ErrorFacts } from './error.js';
export type { EventBase, EventListener } from './events.js';
export { isTransientError } from './failure-filter.js';
export type { PolicyDeclaration } from './kind.js';
