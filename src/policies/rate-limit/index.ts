export * from './public.js';
export { rateLimitKind } from './rate-limit.kind.js';
export { RateLimitStrategy } from './rate-limit.strategy.js';
export { rateLimit } from './rate-limit.policy.js';
