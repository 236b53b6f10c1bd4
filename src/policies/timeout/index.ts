export * from './public.js';
export { timeoutKind } from './timeout.kind.js';
export { TimeoutStrategy } from './timeout.strategy.js';
export { timeout } from './timeout.policy.js';
