/** What users see of this kind. */
export { TimeoutExceededError } from './timeout.error.js';
export type { TimeoutOptions, TimeoutPolicy } from './timeout.policy.js';
export type { TimeoutEvent, TimeoutExceededEvent } from './timeout.telemetry.js';
