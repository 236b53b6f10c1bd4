import type { Call } from '../call.js';
import type { Environment } from '../environment.js';
import { Outcome } from '../strategy.js';
import type { Distribution } from './timings.js';

/** So many classes of errors are told apart for each operation; the others are one. */
const MOST_ERROR_CLASSES = 20;

/** Follows the calls of one operation for a tracer. */
export interface CallTracer {
  began(call: Call): void;
  /** Starts the method of the call, in whatever context the tracer wants. */
  invoke(call: Call, start: () => unknown): unknown;
  /** A layer refused the call, repeated it, answered for it, or gave it up. */
  noted(call: Call, kind: string, what: 'refusals' | 'repeats' | 'answers' | 'timeouts'): void;
  /** The call had to wait for a place or a permit. */
  waited(call: Call): void;
  ended(call: Call): void;
}

/** What is known of the calls of an operation where somebody wants to know more than how many there were. */
export class CallWatch {
  readonly durations: Distribution | undefined;
  readonly errors: Map<string, number>;

  /** @param before Whose figures it goes on with. */
  constructor(
    operationId: string,
    environment: Environment,
    readonly tracer: CallTracer | undefined,
    before?: CallWatch,
  ) {
    this.durations = before?.durations ?? environment.timings.ofCalls('operation_duration_seconds', operationId);
    this.errors = before?.errors ?? new Map<string, number>();
  }

  ended(call: Call): void {
    this.durations?.record(call.now() - call.startedAt);
    if (call.outcome !== Outcome.SUCCESS && call.outcome !== Outcome.ABORT) this.countError(call.payload);
    this.tracer?.ended(call);
  }

  private countError(error: unknown): void {
    const name = errorClassOf(error);
    const shown = this.errors.has(name) || this.errors.size < MOST_ERROR_CLASSES ? name : 'other';
    this.errors.set(shown, (this.errors.get(shown) ?? 0) + 1);
  }
}

/** What an error is called: its class, in whose name there is nothing of the data that it was about. */
export function errorClassOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error;
  const { constructor } = error;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'Object';
}
