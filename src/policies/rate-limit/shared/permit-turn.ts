import type { PermitRequest } from '../../../engine/contract/admission.js';
import { Waiter, type WaiterOwner } from '../../../engine/waiting/waiter.js';

/** Somebody who waits for permits that a store counts. */
export class PermitTurn extends Waiter {
  /** Which part of time its permits are counted in, once they were given: what the store wants to hear where they come back. */
  stamp: number | undefined;
  /** When its place in the line is due, by the clock; undefined while it has none. */
  dueAt: number | undefined;
  /** Where the store could not be asked: whom it waits for instead. */
  standIn: Waiter | undefined;

  constructor(
    owner: WaiterOwner,
    readonly key: string | undefined,
    cost: number,
    longestWaitMs: number | undefined,
    operationId: string | undefined,
    since: number,
    /** Whether it may stand in a line. */
    readonly mayWait: boolean,
  ) {
    super(owner, 0, cost, longestWaitMs, operationId, since, 'decision');
  }

  /** As it asks somebody else. */
  asking(now: () => number): PermitRequest {
    return { mayWait: this.mayWait, operationId: this.operationId, now };
  }
}
