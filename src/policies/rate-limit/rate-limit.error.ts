import { defineErrorTraits, ResilienceError, type ErrorDetails } from '../../engine/error.js';

/**
 * Why there was no permit: none left in time, the call costs more than there ever is, its key was forgotten while it waited
 * because so many others are in use (`maxKeys`), or the application shuts down.
 */
export type RateLimitReason = 'limit' | 'cost' | 'displaced' | 'shutdown';

/** There was no permit for the call in time. HTTP 429. */
export class RateLimitExceededError extends ResilienceError {
  constructor(
    message: string,
    readonly reason: RateLimitReason,
    facts: ErrorDetails,
  ) {
    super(message, facts);
  }

  override get isRetryable(): boolean {
    return this.reason === 'limit' || this.reason === 'displaced';
  }
}

defineErrorTraits(RateLimitExceededError, {
  name: 'RateLimitExceededError',
  code: 'ERR_RATE_LIMITED',
  status: 429,
  isServiceUnavailable: false,
});
