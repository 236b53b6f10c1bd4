import type { CommandScope } from '../../../engine/contract/instance.js';
import type { AdmissionContext, AdmittedCall, CircuitState } from '../circuit-state.js';
import type { CallStatistics } from '../counting/windows.js';

/** What a circuit whose state is shared is told, and what it asks. */
export interface CircuitLink {
  /** Lets all calls pass and has counted nothing. */
  countingState(name: 'closed' | 'metrics-only'): CircuitState;
  /** A trial of a call by hand, where one is due and granted. */
  trialByHand(context: AdmissionContext): Promise<AdmittedCall | undefined> | undefined;
  /** Somebody has changed the state here by hand. */
  commanded(scope: CommandScope): void;
  /** Back to the state of the fleet, where this instance was set apart by hand. */
  rejoin(): void;
  /** The settings of the breaker are others. */
  reconfigured(): void;
  /** The circuit is used no longer. */
  retired(): void;
}

/** What the fleet says of a state beside the state itself. */
export interface FleetFacts {
  readonly openings: number;
  readonly openedAt: number | undefined;
  readonly firstOpenMs: number;
  readonly windowAtOpening: CallStatistics | undefined;
  /** It has just opened. */
  readonly hasTripped: boolean;
}
