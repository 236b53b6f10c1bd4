/** What users see of this kind. */
export { RateLimitExceededError, type RateLimitReason } from './rate-limit.error.js';
export type { RateLimitAlgorithm, RateLimitOptions, RateLimitPolicy, RateLimitSharing } from './rate-limit.policy.js';
export type { RateLimitDelayedEvent, RateLimitEvent, RateLimitRejectedEvent, RateLimitEventBase } from './rate-limit.telemetry.js';
export { RateLimiter, type RateLimitRequest, type RateLimitStatus } from './rate-limiter.js';
export type { RateLimiterHealthOptions } from './rate-limit.instance.js';
