import type { Call } from '../call/call.js';
import type { Environment } from '../environment.js';
import { Outcome } from '../contract/outcome.js';
import type { Histogram } from './histogram.js';
import type { CallTracer } from './tracer.js';

/** So many classes of errors are told apart for each operation; the others are one. */
const MAX_ERROR_CLASSES = 20;

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
