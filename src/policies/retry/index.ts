export * from './public.js';
export { retryKind } from './retry.kind.js';
export { RetryStrategy } from './retry.strategy.js';
export { retry } from './retry.policy.js';
