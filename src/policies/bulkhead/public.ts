/** What users see of this kind. */
export { BulkheadFullError, type BulkheadFullReason } from './bulkhead.error.js';
export { Bulkhead, BulkheadPermit, type BulkheadRequest } from './bulkhead.js';
export type { BulkheadOptions, BulkheadPolicy } from './bulkhead.policy.js';
export type { BulkheadEvent, BulkheadQueuedEvent, BulkheadRejectedEvent } from './bulkhead.telemetry.js';
