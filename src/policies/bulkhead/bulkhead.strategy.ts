import type { Call } from '../../engine/call/call.js';
import { keyText } from '../../engine/state/key-text.js';
import type { Strategy } from '../../engine/contract/strategy.js';
import { numberOr0, type Bulkhead } from './bulkhead.js';
import type { ResolvedBulkhead } from './bulkhead.policy.js';
import type { BulkheadPartition } from './partition.js';

/** What belongs to one use of a bulkhead and not to the bulkhead. */
export type BulkheadUse = Pick<ResolvedBulkhead, 'key' | 'priority'>;

/** Takes a place for each attempt, and gives it back when the method has settled. */
export class BulkheadStrategy implements Strategy {
  readonly kind = 'bulkhead';
  /** A place is in use as long as the method runs, also where a time limit inside has answered the caller. */
  readonly holds = true;
  readonly name: string;
  readonly waitDescription: string;
  readonly admit: NonNullable<Strategy['admit']>;
  readonly succeeded: NonNullable<Strategy['succeeded']>;
  private readonly common: BulkheadPartition;
  private readonly keyed: boolean;

  constructor(
    readonly bulkhead: Bulkhead,
    { key, priority }: BulkheadUse,
  ) {
    this.name = bulkhead.name;
    this.waitDescription = `the queue of bulkhead "${bulkhead.name}"`;
    this.common = bulkhead.partition(undefined);
    this.keyed = key !== undefined;
    const { common } = this;
    const priorityOf = (call: Call): number => (priority === undefined ? 0 : numberOr0(priority(...call.args)));
    if (key === undefined) {
      this.admit = (call) => (priority === undefined && common.tryAcquire() ? undefined : common.admit(priorityOf(call), call));
      this.succeeded = () => common.release();
    } else {
      this.admit = (call, layer) => {
        const wanted = keyText(key(...call.args), 'the key function of @Bulkhead', call.operationId);
        const priorityOfCall = priorityOf(call);
        const partition = bulkhead.partition(wanted);
        call.slots[layer] = partition;
        const admission = partition.admit(priorityOfCall, call);
        bulkhead.tellDisplaced();
        return admission;
      };
      this.succeeded = (call, layer) => (call.slots[layer] as BulkheadPartition).release();
    }
  }

  readonly failed = (call: Call, layer: number): undefined => {
    this.partitionOf(call, layer).release();
  };

  /** The caller has been answered, but the method runs on: its permit stays taken until it settles, or `releaseAfter`. */
  abandoned(call: Call, layer: number): () => void {
    return this.partitionOf(call, layer).abandon(call.operationId);
  }

  measure(): void {
    this.bulkhead.measure();
  }

  /** Only with a key is there more than one, and something to remember. */
  private partitionOf(call: Call, layer: number): BulkheadPartition {
    return this.keyed ? (call.slots[layer] as BulkheadPartition) : this.common;
  }
}
