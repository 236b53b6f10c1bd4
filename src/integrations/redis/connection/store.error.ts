import { defineErrorTraits, ResilienceError } from '../../../engine/error.js';

/** The store was not asked, as it cannot be reached, or the connection broke before it answered. */
export class StoreUnavailableError extends ResilienceError {}
defineErrorTraits(StoreUnavailableError, {
  name: 'StoreUnavailableError',
  code: 'ERR_STORE_UNAVAILABLE',
  status: 503,
  isServiceUnavailable: true,
});

/** The store did not answer within `commandTimeout`. What it was asked to write it does not write any more. */
export class StoreTimeoutError extends ResilienceError {}
defineErrorTraits(StoreTimeoutError, { name: 'StoreTimeoutError', code: 'ERR_STORE_TIMEOUT', status: 503, isServiceUnavailable: true });
