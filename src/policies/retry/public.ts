/** What users see of this kind. */
export { parseRetryAfter } from './retry-after.js';
export type {
  BackoffFunction,
  BackoffInput,
  BackoffOptions,
  RetryBudgetOptions,
  RetryNotice,
  RetryOptions,
  RetryPolicy,
} from './retry.policy.js';
export type { RetryBudgetExhaustedEvent, RetryEvent, RetryExhaustedEvent, RetryScheduledEvent, RetryEventBase } from './retry.telemetry.js';
