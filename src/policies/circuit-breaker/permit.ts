import type { FailureFilter } from '../../engine/failure-filter.js';
import type { Occasion } from './circuit.js';
import type { Admission } from './states.js';
import { tellFailure, tellValue } from './verdict.js';

/** Leave to make one call through a circuit. The first ending counts; later ones do nothing. */
export class CircuitPermit implements Disposable {
  private admission: Admission | undefined;

  constructor(
    admission: Admission,
    private readonly filter: FailureFilter,
    private readonly occasion: Occasion,
  ) {
    this.admission = admission;
  }

  /** The call succeeded; a value that the breaker's `onResult` refuses counts as a failure. */
  success(value?: unknown): void {
    const admission = this.end();
    if (admission !== undefined) tellValue(admission, this.filter, this.occasion, value);
  }

  /** The call failed; whether the error counts is for the breaker's `on` and `ignore` to say. */
  failure(error?: unknown): void {
    const admission = this.end();
    if (admission !== undefined) tellFailure(admission, this.filter, this.occasion, error);
  }

  /** The call ended without a verdict on what it called. */
  release(): void {
    this.end()?.released();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  private end(): Admission | undefined {
    const { admission } = this;
    this.admission = undefined;
    return admission;
  }
}
