import type { BulkheadPartition } from './partition.js';

/** A place in a bulkhead. The first release counts; later ones do nothing. */
export class BulkheadPermit implements Disposable {
  private held: BulkheadPartition | undefined;

  /** @internal */
  constructor(partition: BulkheadPartition) {
    this.held = partition;
  }

  /** Gives the place back. */
  release(): void {
    const { held } = this;
    this.held = undefined;
    held?.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
