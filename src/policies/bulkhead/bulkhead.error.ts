import { Rejection } from '../../engine/contract/rejection.js';
import { defineErrorTraits, ResilienceError, type ErrorDetails } from '../../engine/error.js';

/**
 * Why there was no place: none free and the queue full, waited too long, had to make room for another one, or the
 * application shuts down; or the store that shares its places does not answer, and `onStoreFailure` is `reject`.
 */
export type BulkheadFullReason = 'capacity' | 'queue-timeout' | 'displaced' | 'shutdown' | 'store';

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

/** Why a bulkhead did not let a call pass. */
export class BulkheadRejection extends Rejection {
  constructor(
    operationId: string | undefined,
    policyName: string,
    withStack: boolean,
    readonly reason: BulkheadFullReason,
    private readonly key: string | undefined,
    /** So many places were in use, of so many, and so many calls were waiting. */
    private readonly running: number,
    private readonly maxConcurrent: number,
    private readonly queued: number,
    private readonly limits: { readonly maxQueue: number; readonly queueTimeout?: number },
    /** Whose places these are, where they are not this instance's alone. */
    private readonly whose = '',
  ) {
    super(operationId, policyName, withStack);
  }

  get isRetryable(): boolean {
    return this.reason !== 'shutdown';
  }

  protected toError(): BulkheadFullError {
    const { policyName, key, reason, running, maxConcurrent, queued, whose } = this;
    const { maxQueue, queueTimeout } = this.limits;
    const shownKey = key === undefined ? '' : ` for key ${JSON.stringify(key)}`;
    const why = {
      capacity: `${running} of ${maxConcurrent} places in use${whose}, ${queued} of ${maxQueue} waiting`,
      'queue-timeout': `no place within ${queueTimeout} ms`,
      displaced: 'made room in the queue for another call',
      shutdown: 'the application shuts down',
      store: 'the store that shares its places does not answer',
    }[reason];
    return new BulkheadFullError(`Bulkhead "${policyName}"${shownKey}: ${why}`, reason, this);
  }
}
