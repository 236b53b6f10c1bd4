import type { Occasion } from './circuit.js';
import type { Admission } from './states.js';

/** Leave to make one call through a circuit. The first ending counts; later ones do nothing. */
export class CircuitPermit implements Disposable {
  private admission: Admission | undefined;

  constructor(
    admission: Admission,
    private readonly occasion: Occasion,
  ) {
    this.admission = admission;
  }

  /** The call succeeded. */
  success(): void {
    this.end()?.succeeded(this.occasion);
  }

  /** The call failed. */
  failure(error?: unknown): void {
    this.end()?.failed(this.occasion, error);
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
