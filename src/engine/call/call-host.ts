import type { Clock } from '../clock.js';
import type { CallTracer } from '../telemetry/tracer.js';
import type { Shutdown } from '../waiting/shutdown.js';
import type { TimerQueue } from '../waiting/timer-queue.js';
import type { Branch, BranchOptions } from './branch.js';

/** What the record of a call needs to know of the pipeline that it is on its way through. */
export interface CallHost<Running = unknown> {
  readonly operationId: string;
  readonly environment: { readonly clock: Clock; readonly deadlines: TimerQueue; readonly shutdown: Shutdown };
  readonly layers: readonly unknown[];
  /** The layers that set a time limit on the call. */
  readonly limiting: readonly number[];
  /** The longest of their limits, in milliseconds; 0 without one. */
  readonly longestLimitMs: number;
  /** The layers whose slots are cleared after each call. */
  readonly remembering: readonly number[] | undefined;
  /** The last call took more than one attempt; the next one may do so too. */
  expectsRepeats: boolean;
  readonly tracer: CallTracer | undefined;
  /** Asks a layer whose alarm rings. */
  ring(call: Running, layer: number): void;
  startBranch(parent: Running, layer: number, options: BranchOptions): Branch;
  /** Where a call that a layer lets wait is meanwhile, in words. */
  waitDescriptionOf(layer: number): string | undefined;
}
