export * from './public.js';
export { bulkheadKind } from './bulkhead.kind.js';
export { BulkheadStrategy } from './bulkhead.strategy.js';
export { bulkhead } from './bulkhead.policy.js';
