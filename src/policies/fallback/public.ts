/** What users see of this kind. */
export type { FallbackFunction, FallbackOptions, FallbackPolicy, FallbackTier, FallbackUse } from './fallback.policy.js';
export type { FallbackEvent, FallbackFailedEvent, FallbackServedEvent, FallbackEventBase } from './fallback.telemetry.js';
