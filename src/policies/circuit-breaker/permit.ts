import type { FailureFilter } from '../../engine/failure-filter.js';
import type { AdmissionContext, AdmittedCall } from './circuit-state.js';
import { recordFailure, recordValue } from './record-outcome.js';

/** Leave to make one call through a circuit. The first ending counts; later ones do nothing. */
export class CircuitPermit implements Disposable {
  private admission: AdmittedCall | undefined;

  /** @internal */
  constructor(
    admission: AdmittedCall,
    private readonly filter: FailureFilter,
    private readonly context: AdmissionContext,
  ) {
    this.admission = admission;
  }

  /** The call succeeded; a value that the breaker's `onResult` rejects counts as a failure. */
  success(value?: unknown): void {
    const admission = this.end();
    if (admission !== undefined) recordValue(admission, this.filter, this.context, value);
  }

  /** The call failed; whether the error counts is for the breaker's `on` and `ignore` to say. */
  failure(error?: unknown): void {
    const admission = this.end();
    if (admission !== undefined) recordFailure(admission, this.filter, this.context, error);
  }

  /** The call ended without a verdict on what it called. */
  release(): void {
    this.end()?.released();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  private end(): AdmittedCall | undefined {
    const { admission } = this;
    this.admission = undefined;
    return admission;
  }
}
