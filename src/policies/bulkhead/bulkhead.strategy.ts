import type { Call } from '../../engine/call.js';
import type { Strategy } from '../../engine/strategy.js';
import type { Bulkhead } from './bulkhead.js';
import type { Compartment } from './compartment.js';

/** What belongs to one use of a bulkhead and not to the bulkhead. */
export interface BulkheadUse {
  readonly key?: (...args: readonly unknown[]) => string | null | undefined;
  readonly priority?: (...args: readonly unknown[]) => number;
}

/** Takes a place for each attempt, and gives it back when the method has settled. */
export class BulkheadStrategy implements Strategy {
  readonly kind = 'bulkhead';
  readonly name: string;

  constructor(
    readonly bulkhead: Bulkhead,
    { key, priority }: BulkheadUse,
  ) {
    this.name = bulkhead.name;
    const common = bulkhead.compartment(undefined);
    this.admit = (call, layer) => {
      const compartment = key === undefined ? common : bulkhead.compartment(key(...call.args));
      const urgency = priority === undefined ? 0 : numberOr0(priority(...call.args));
      call.slots[layer] = compartment;
      return compartment.admit(urgency, call);
    };
  }

  readonly admit: NonNullable<Strategy['admit']>;

  readonly succeeded = (call: Call, layer: number): undefined => {
    (call.slots[layer] as Compartment).release();
  };

  failed(call: Call, layer: number): undefined {
    (call.slots[layer] as Compartment).release();
  }

  /** The caller has been answered, but the method runs on: its place stays taken until it settles. */
  abandoned(call: Call, layer: number): () => void {
    const compartment = call.slots[layer] as Compartment;
    return () => compartment.release();
  }
}

/** A priority that is no number would break the order of the others. */
function numberOr0(priority: number): number {
  return Number.isNaN(priority) ? 0 : priority;
}
