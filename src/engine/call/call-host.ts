import type { Clock } from '../clock.js';
import type { CallTracer } from '../telemetry/tracer.js';
import type { TimerQueue } from '../waiting/timer-queue.js';

/** What the record of a call needs to know of the pipeline that it is on its way through. */
export interface CallHost {
  readonly operationId: string;
  readonly environment: { readonly clock: Clock; readonly deadlines: TimerQueue };
  readonly layers: readonly unknown[];
  /** The layers that set a time limit on the call. */
  readonly limiting: readonly number[];
  /** The longest of their limits, in milliseconds; 0 without one. */
  readonly longestLimitMs: number;
  /** The layers whose slots are cleared after each call. */
  readonly remembering: readonly number[] | undefined;
  readonly tracer: CallTracer | undefined;
  /** Where a call that a layer lets wait is meanwhile, in words. */
  waitDescriptionOf(layer: number): string | undefined;
}
