import type { Call } from '../call/call.js';
import type { Branch } from '../call/branch.js';
import type { Admission } from './admission.js';
import type { Settlement } from './outcome.js';
import type { Verdict } from './verdict.js';

/**
 * The running form of a policy. A strategy decides and the pipeline acts: a strategy is synchronous, holds no promise,
 * sets no timer and takes the time from the call. Whoever let an attempt pass, or ordered another one, is told
 * exactly once how it ended: `succeeded`, `failed` or `abandoned`; or it is asked for the error, where it was its own time
 * limit that passed (`expired`). Each layer of a call has a slot (`call.slots[layer]`) for what must be
 * remembered until then.
 *
 * `admit`, `succeeded` and `failed` are on the way of every call: they are properties that hold arrow functions, so that the
 * pipeline can call them from a list without looking them up on strategies of different classes.
 */
export interface Strategy {
  readonly kind: string;
  /** The name of the instance that decides; equal names share state. */
  readonly name: string;
  /** Where a call that this layer lets wait is meanwhile, as errors say it: `the queue of bulkhead "payments"`. */
  readonly waitDescription?: string | undefined;
  /**
   * What it gave is in use as long as the method runs: where a run of the method goes on after the end that this layer would be
   * told, it is told `abandoned` instead.
   */
  readonly holds?: boolean | undefined;
  /**
   * What it finds in its slot is what it wrote in this call: the slot is cleared when the record goes to another one. Not needed by
   * those that write it in each `admit` before they read it.
   */
  readonly remembers?: boolean | undefined;
  /** May this attempt start? May throw where a function of the user's does; then nothing was taken. */
  admit?: ((this: void, call: Call, layer: number) => Admission) | undefined;
  /** The attempt gave `call.payload`. */
  succeeded?: ((this: void, call: Call, layer: number) => Verdict) | undefined;
  /** The attempt ended with the error `call.payload`; `call.outcome` says how. */
  failed?: ((this: void, call: Call, layer: number) => Verdict) | undefined;
  /**
   * An outer time limit or the caller cut the attempt off, or the shutdown the pause before one; `call.outcome` says which. The method may still be running:
   * what is returned is done when it has really settled.
   */
  abandoned?: ((call: Call, layer: number) => (() => void) | undefined) | undefined;
  /**
   * A timer that it set by `call.alarm` rings: the call is still inside of it, or waits at it. What it does it does by
   * `call.branch`, `call.supersede` and `call.alarm`.
   */
  alarm?: ((call: Call, layer: number) => void) | undefined;
  /**
   * A branch that it began has ended, and it has not aborted it itself. `call` is the one that it belongs to, as long as that is
   * inside of the layer or waits at it; for a detached branch it is the branch's own record, which is over after this.
   */
  branchEnded?: ((call: Call, layer: number, branch: Branch, settlement: Settlement) => void) | undefined;
  /** The call is taken back as if it had never been: what `admit` used up for good is given back. */
  rolledBack?: ((call: Call, layer: number) => void) | undefined;
  /** The call is over; asked only of a call with more than one attempt. */
  settled?: ((call: Call, layer: number) => void) | undefined;
  /** It takes the place of another one, whose counts it goes on with. */
  inheritCounts?: ((previous: Strategy) => void) | undefined;
  /** Durations are to be measured from now on. */
  measure?: (() => void) | undefined;
  /** The time limit that it sets on a call, in milliseconds. */
  readonly limitMs?: number;
  /** The time limit that this layer set on the call has passed: the error to answer with. */
  expired?: ((call: Call, layer: number) => Error) | undefined;
  /** Whether a value counts as a failure here: asked of the first value of an Observable, before it is passed on. */
  rejects?: ((value: unknown, operationId: string) => boolean) | undefined;
  /** A value that came after the caller had been answered. */
  discard?: ((value: unknown, operationId: string) => void) | undefined;
}
