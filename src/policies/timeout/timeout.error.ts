import { defineErrorTraits, ResilienceError, type ErrorDetails } from '../../engine/error.js';

/** The attempt, or the whole operation, took too long. HTTP 504. */
export class TimeoutExceededError extends ResilienceError {
  constructor(
    message: string,
    /** The limit that was passed, in milliseconds. */
    readonly timeoutMs: number,
    /** True where the whole operation was bounded, false for one attempt. */
    readonly isTotal: boolean,
    facts: ErrorDetails,
  ) {
    super(message, facts);
  }
}

defineErrorTraits(TimeoutExceededError, { name: 'TimeoutExceededError', code: 'ERR_TIMEOUT', status: 504, isServiceUnavailable: false });
