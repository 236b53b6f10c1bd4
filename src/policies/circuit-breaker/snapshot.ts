import type { Circuit } from './circuit.js';
import type { AdmissionContext, CircuitStateName } from './circuit-state.js';

/** What can be seen of a circuit at one moment. */
export interface CircuitSnapshot {
  readonly key: string | undefined;
  readonly state: CircuitStateName;
  /** Calls in the window; of the window that was judged where the circuit is open. */
  readonly calls: number;
  readonly failures: number;
  readonly slowCalls: number;
  /** Share of failed calls in the window; undefined without a call. */
  readonly failureRate: number | undefined;
  readonly slowCallRate: number | undefined;
  /** Milliseconds until the next trial; undefined where the circuit is not open, or forced open. */
  readonly nextTrialInMs: number | undefined;
  readonly lastError: unknown;
}

const NO_CALLS = { calls: 0, failures: 0, slowCalls: 0 };

/** What can be seen of a circuit at that moment. */
export function snapshotOf(circuit: Circuit, time: AdmissionContext): CircuitSnapshot {
  const state = circuit.stateAt(time);
  circuit.current.statistics?.expire(time);
  const { calls, failures, slowCalls } = (state === 'open' ? circuit.windowAtOpening : circuit.current.statistics) ?? NO_CALLS;
  return {
    key: circuit.key,
    state,
    calls,
    failures,
    slowCalls,
    failureRate: calls === 0 ? undefined : failures / calls,
    slowCallRate: calls === 0 ? undefined : slowCalls / calls,
    nextTrialInMs: state === 'open' ? circuit.current.remainingMs?.(time) : undefined,
    lastError: circuit.lastError,
  };
}
