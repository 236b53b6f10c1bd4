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
  readonly waitingPlace: string;
  readonly admit: NonNullable<Strategy['admit']>;
  readonly succeeded: NonNullable<Strategy['succeeded']>;
  private readonly common: Compartment;
  private readonly keyed: boolean;

  constructor(
    readonly bulkhead: Bulkhead,
    { key, priority }: BulkheadUse,
  ) {
    this.name = bulkhead.name;
    this.waitingPlace = `the queue of bulkhead "${bulkhead.name}"`;
    this.common = bulkhead.compartment(undefined);
    this.keyed = key !== undefined;
    const { common } = this;
    const urgencyOf = (call: Call): number => (priority === undefined ? 0 : numberOr0(priority(...call.args)));
    if (key === undefined) {
      this.admit = (call) => (priority === undefined && common.tryAcquire() ? undefined : common.admit(urgencyOf(call), call));
      this.succeeded = () => common.release();
    } else {
      this.admit = (call, layer) => {
        const compartment = bulkhead.compartment(key(...call.args));
        const urgency = urgencyOf(call);
        call.slots[layer] = compartment;
        return compartment.admit(urgency, call);
      };
      this.succeeded = (call, layer) => (call.slots[layer] as Compartment).release();
    }
  }

  readonly failed = (call: Call, layer: number): undefined => {
    this.compartmentOf(call, layer).release();
  };

  /** The caller has been answered, but the method runs on: its place stays taken until it settles. */
  abandoned(call: Call, layer: number): () => void {
    const compartment = this.compartmentOf(call, layer);
    return () => compartment.release();
  }

  measure(): void {
    this.bulkhead.measure();
  }

  /** Only with a key is there more than one, and something to remember. */
  private compartmentOf(call: Call, layer: number): Compartment {
    return this.keyed ? (call.slots[layer] as Compartment) : this.common;
  }
}

/** A priority that is no number would break the order of the others. */
function numberOr0(priority: number): number {
  return Number.isNaN(priority) ? 0 : priority;
}
