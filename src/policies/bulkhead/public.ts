/** What users see of this kind. */
export { BulkheadFullError, type BulkheadFullReason } from './bulkhead.error.js';
export { Bulkhead, type BulkheadRequest } from './bulkhead.js';
export { BulkheadPermit } from './permit.js';
export type { BulkheadOptions, BulkheadPolicy } from './bulkhead.policy.js';
export type {
  BulkheadEvent,
  BulkheadQueuedEvent,
  BulkheadRejectedEvent,
  BulkheadReleasedEvent,
  BulkheadEventBase,
} from './bulkhead.telemetry.js';
export type { BulkheadHealthOptions } from './bulkhead.instance.js';
