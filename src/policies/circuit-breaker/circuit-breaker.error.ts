import { Rejection } from '../../engine/contract/rejection.js';
import { defineErrorTraits, ResilienceError } from '../../engine/error.js';
import { describeDuration } from '../../options/index.js';

/** The circuit is open, so the call was not made. HTTP 503. */
export class CircuitOpenError extends ResilienceError {
  /** An open circuit is not helped by trying at once; a retry that names this error waits for the next trial. */
  override get isRetryable(): boolean {
    return false;
  }
}

defineErrorTraits(CircuitOpenError, { name: 'CircuitOpenError', code: 'ERR_CIRCUIT_OPEN', status: 503, isServiceUnavailable: true });

/** Why a circuit did not let a call pass. */
export class CircuitOpenRejection extends Rejection {
  readonly isRetryable = false;

  constructor(
    operationId: string | undefined,
    policyName: string,
    withStack: boolean,
    retryAfterMs: number | undefined,
    /** `Circuit breaker "payments" is open (7 of 10 calls failed)`. */
    private readonly words: string,
  ) {
    super(operationId, policyName, withStack, retryAfterMs);
  }

  protected toError(): CircuitOpenError {
    const { retryAfterMs, words } = this;
    return new CircuitOpenError(retryAfterMs === undefined ? words : `${words}; next trial in ${describeDuration(retryAfterMs)}`, this);
  }
}
