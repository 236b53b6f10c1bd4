import type { Call } from '../../../engine/call/call.js';
import type { Strategy } from '../../../engine/contract/strategy.js';
import { keyText } from '../../../engine/state/key-text.js';
import { numberOr0, type Bulkhead } from '../bulkhead.js';
import type { BulkheadUse } from '../bulkhead.strategy.js';
import type { BulkheadPartition } from '../partition.js';

/** Asks for a place that all instances share for each attempt, and gives it back when the method has settled. */
export class SharedBulkheadStrategy implements Strategy {
  readonly kind = 'bulkhead';
  /** A place is in use as long as the method runs, also where a time limit inside has answered the caller. */
  readonly holds = true;
  readonly name: string;
  readonly waitDescription: string;

  constructor(
    readonly bulkhead: Bulkhead,
    private readonly use: BulkheadUse,
  ) {
    this.name = bulkhead.name;
    this.waitDescription = `the queue of bulkhead "${bulkhead.name}"`;
  }

  readonly admit: NonNullable<Strategy['admit']> = (call, layer) => {
    const { key, priority } = this.use;
    const wanted = key === undefined ? undefined : keyText(key(...call.args), 'the key function of @Bulkhead', call.operationId);
    const priorityOfCall = priority === undefined ? 0 : numberOr0(priority(...call.args));
    const partition = this.bulkhead.partition(wanted);
    call.slots[layer] = partition;
    const admission = partition.admit(priorityOfCall, call);
    this.bulkhead.tellDisplaced();
    return admission;
  };

  readonly succeeded: NonNullable<Strategy['succeeded']> = (call, layer) => partitionOf(call, layer).release();

  readonly failed: NonNullable<Strategy['failed']> = (call, layer) => partitionOf(call, layer).release();

  /** The caller has been answered, but the method runs on: its permit stays taken until it settles, or `releaseAfter`. */
  abandoned(call: Call, layer: number): () => void {
    return partitionOf(call, layer).abandon(call.operationId);
  }

  measure(): void {
    this.bulkhead.measure();
  }
}

function partitionOf(call: Call, layer: number): BulkheadPartition {
  return call.slots[layer] as BulkheadPartition;
}
