import { Rejection } from '../../engine/contract/rejection.js';
import { defineErrorTraits, ResilienceError, type ErrorDetails } from '../../engine/error.js';
import { rejectionMessage, type Limits, type RateLimitReason } from './rejection-message.js';

export type { RateLimitReason } from './rejection-message.js';

function isRetryable(reason: RateLimitReason): boolean {
  return reason === 'limit' || reason === 'displaced' || reason === 'store';
}

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
    return isRetryable(this.reason);
  }
}

defineErrorTraits(RateLimitExceededError, {
  name: 'RateLimitExceededError',
  code: 'ERR_RATE_LIMITED',
  status: 429,
  isServiceUnavailable: false,
});

/** Why a limiter did not let a call pass. */
export class RateLimitRejection extends Rejection {
  constructor(
    operationId: string | undefined,
    withStack: boolean,
    retryAfterMs: number | undefined,
    readonly reason: RateLimitReason,
    /** The key and the cost that were asked for. */
    readonly key: string | undefined,
    readonly cost: number,
    private readonly limits: Limits,
  ) {
    super(operationId, limits.name, withStack, retryAfterMs);
  }

  get isRetryable(): boolean {
    return isRetryable(this.reason);
  }

  protected toError(): RateLimitExceededError {
    return new RateLimitExceededError(rejectionMessage(this.limits, this, this.reason, this.retryAfterMs), this.reason, this);
  }
}
