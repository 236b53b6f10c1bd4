/** A call as a tracer sees it. */
export interface TracedCall {
  readonly operationId: string;
  /** Which try this is, from 1 on. */
  readonly attempt: number;
  /** At the end of the call: its value, or its error. */
  readonly payload: unknown;
  /** What the tracer remembers of it. */
  trace: unknown;
}

/** How a call ended. */
export type CallOutcome = 'succeeded' | 'failed' | 'aborted';

/** Follows calls, e.g. to make spans of them. */
export interface CallTracer {
  began(call: TracedCall): void;
  /** Starts the method of the call, in whatever context the tracer wants. */
  invoke(call: TracedCall, start: () => unknown): unknown;
  /** Starts what answers in place of the method. */
  answer(call: TracedCall, start: () => unknown): unknown;
  /** A layer rejected the call, repeated it, answered for it, or gave it up. */
  counted(call: TracedCall, kind: string, what: 'rejections' | 'repeats' | 'answers' | 'timeouts'): void;
  /** The call had to wait for a place or a permit. */
  waited(call: TracedCall): void;
  ended(call: TracedCall, outcome: CallOutcome): void;
}
