import { describeErrors, ResilienceError, type ErrorFacts } from '../../engine/error.js';

/** Why there was no permit: none left, the call costs more than there ever is, or the application shuts down. */
export type RateLimitReason = 'limit' | 'cost' | 'shutdown';

/** There was no permit for the call in time. HTTP 429. */
export class RateLimitExceededError extends ResilienceError {
  constructor(
    message: string,
    readonly reason: RateLimitReason,
    facts: ErrorFacts,
  ) {
    super(message, facts);
  }

  override get isRetryable(): boolean {
    return this.reason === 'limit';
  }
}

describeErrors(RateLimitExceededError, {
  name: 'RateLimitExceededError',
  code: 'ERR_RATE_LIMITED',
  status: 429,
  isServiceUnavailable: false,
});
