import type { Call } from '../call/call.js';
import type { Environment } from '../environment.js';
import { Outcome } from '../contract/strategy.js';
import type { Histogram } from './histogram.js';

/** So many classes of errors are told apart for each operation; the others are one. */
const MAX_ERROR_CLASSES = 20;

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

/** What is known of the calls of an operation where somebody wants to know more than how many there were. */
export class CallObserver {
  readonly durations: Histogram | undefined;
  readonly errors: Map<string, number>;

  /** @param before Whose figures it goes on with. */
  constructor(
    operationId: string,
    environment: Environment,
    readonly tracer: CallTracer | undefined,
    before?: CallObserver,
  ) {
    this.durations = before?.durations ?? environment.timings.ofCalls('operation_duration_seconds', operationId);
    this.errors = before?.errors ?? new Map<string, number>();
  }

  began(call: Call): void {
    if (this.tracer === undefined) return;
    call.dirty = true;
    this.tracer.began(call);
  }

  ended(call: Call): void {
    const outcome = call.outcome === Outcome.SUCCESS ? 'succeeded' : call.outcome === Outcome.ABORT ? 'aborted' : 'failed';
    this.durations?.record(call.now() - call.startedAt);
    if (outcome === 'failed') this.countError(call.payload);
    this.tracer?.ended(call, outcome);
  }

  private countError(error: unknown): void {
    const name = errorClassOf(error);
    const shown = this.errors.has(name) || this.errors.size < MAX_ERROR_CLASSES ? name : 'other';
    this.errors.set(shown, (this.errors.get(shown) ?? 0) + 1);
  }
}

/** What an error is called: its class, in whose name there is nothing of the data that it was about. */
export function errorClassOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error;
  try {
    const { constructor } = error;
    return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'Object';
  } catch {
    return 'Object'; // it does not let itself be read
  }
}
