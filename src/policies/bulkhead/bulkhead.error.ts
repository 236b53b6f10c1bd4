import { defineErrorTraits, ResilienceError, type ErrorDetails } from '../../engine/error.js';

/**
 * Why there was no place: none free and the queue full, waited too long, had to make room for another one, or the
 * application shuts down.
 */
export type BulkheadFullReason = 'capacity' | 'queue-timeout' | 'displaced' | 'shutdown';

/** There was no place for the call. HTTP 503. */
export class BulkheadFullError extends ResilienceError {
  constructor(
    message: string,
    readonly reason: BulkheadFullReason,
    facts: ErrorDetails,
  ) {
    super(message, facts);
  }

  override get isRetryable(): boolean {
    return this.reason !== 'shutdown';
  }
}

defineErrorTraits(BulkheadFullError, { name: 'BulkheadFullError', code: 'ERR_BULKHEAD_FULL', status: 503, isServiceUnavailable: true });
