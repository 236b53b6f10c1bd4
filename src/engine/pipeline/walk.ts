import type { Call } from '../call/call.js';
import type { CallPool } from '../call/call-pool.js';
import type { Verdict } from '../contract/verdict.js';
import type { Outcome } from '../contract/outcome.js';
import type { Strategy } from '../contract/strategy.js';
import type { Environment } from '../environment.js';
import type { CallObserver } from '../telemetry/call-observer.js';
import type { LayerCounters, OperationCounts } from '../telemetry/operation-counts.js';
import type { DispatchTable } from './dispatch-table.js';

/** What a driver has to do next: start the method, make the answer, wait, or tell the caller. */
export type Step = 'invoke' | 'answer' | 'done' | Promise<void>;

/** What one move of a call comes to: the same, or that it walks on, inwards or outwards as its record says. */
export type Move = Step | 'walk';

/**
 * What the parts of the pipeline, each in a file of its own, ask of the whole: the layers of an operation and the moves of a
 * call along them. `Pipeline` is the one that there is.
 */
export interface Walk {
  readonly operationId: string;
  readonly layers: readonly Strategy[];
  readonly environment: Environment;
  readonly counts: OperationCounts;
  readonly pool: CallPool;
  readonly roles: DispatchTable;
  readonly watch: CallObserver | undefined;
  step(call: Call): Step;
  settled(call: Call, failed: boolean, payload: unknown): void;
  /** Calls the method. May throw. */
  invoke(call: Call): unknown;
  /** A call that has begun is taken back, as if it had never been. */
  forget(): void;
  /** Counts what a layer did. */
  count(call: Call, layer: number, what: keyof LayerCounters): void;
  startUnwind(call: Call, layer: number, outcome: Outcome, payload: unknown): void;
  applyVerdict(call: Call, layer: number, verdict: NonNullable<Verdict>): Move;
}
