import { defineErrorTraits, ResilienceError } from '../../engine/error.js';

/** The circuit is open, so the call was not made. HTTP 503. */
export class CircuitOpenError extends ResilienceError {
  /** An open circuit is not helped by trying at once; a retry that names this error waits for the next trial. */
  override get isRetryable(): boolean {
    return false;
  }
}

defineErrorTraits(CircuitOpenError, { name: 'CircuitOpenError', code: 'ERR_CIRCUIT_OPEN', status: 503, isServiceUnavailable: true });
