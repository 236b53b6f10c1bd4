import type { WindowSettings } from '../circuit-breaker.policy.js';
import type { CircuitStateName } from '../circuit-state.js';
import type { CallStatistics } from '../counting/windows.js';

/** Circuits of one question at most: the server does nothing else meanwhile. */
export const MAX_CIRCUITS_A_QUESTION = 128;

/** What the fleet knows of a circuit. Times count from the moment of the answer, by the store's clock. */
export interface CircuitRecord {
  readonly state: CircuitStateName;
  /** Made anew by every transition, and unguessable: compared for equality alone. */
  readonly generation: string;
  /** The one before it. */
  readonly previous: string;
  /** Of the transition: what comes later has a higher one. */
  readonly version: number;
  /** Milliseconds until the next trial, where it is open. */
  readonly remainingMs: number;
  /** Milliseconds since it opened, where it has not closed since. */
  readonly openForMs: number | undefined;
  /** Openings since it was closed last. */
  readonly openings: number;
  /** How long the first of them was to last. */
  readonly firstOpenMs: number;
  /** Trials that have succeeded, where it is half-open. */
  readonly successes: number;
  /** The window that it opened by; undefined where a trial failed. */
  readonly judged: CallStatistics | undefined;
}

/** Calls that came one after the other: of one outcome, or of several where there were too many to tell them apart. */
export interface CallRun extends CallStatistics {
  /** How long ago, in milliseconds. */
  readonly ageMs: number;
}

/** How failures in a row stand in a sequence of calls, so that sequences can be put together. */
export interface FailureRuns {
  readonly leading: number;
  readonly longest: number;
  readonly trailing: number;
}

/** What a circuit is judged by. */
export interface CircuitJudgement {
  readonly window: WindowSettings;
  readonly minimumCalls: number;
  /** False where failures in a row are the only rule. */
  readonly usesRates: boolean;
  readonly failureRateThreshold: number;
  readonly slowCallRateThreshold: number;
  readonly consecutiveFailures?: number | undefined;
}

/** The counts that an instance has made of one circuit since it told of them last. */
export interface CircuitCountsBatch {
  readonly id: string;
  /** That the calls were let pass in; empty where the instance has heard of none yet. */
  readonly generation: string;
  readonly state: 'closed' | 'metrics-only';
  /** For the transition that they may bring about. */
  readonly nextGeneration: string;
  readonly judgement: CircuitJudgement;
  /** How long it would be open. */
  readonly openMs: number;
  /** How long the store keeps a circuit that nobody calls, in milliseconds. */
  readonly idleMs: number;
  /** A count window holds what was merged in this time, even where that is more than its size. */
  readonly countedForMs: number;
  readonly runs: readonly CallRun[];
  readonly failureRuns: FailureRuns;
}

/** What became of a batch. */
export interface MergedCircuit extends CallStatistics {
  /** Failures in a row up to now. */
  readonly failuresInARow: number;
  /** Where the generation is not the one that the instance named. */
  readonly record: CircuitRecord | undefined;
}

export interface MergeReply {
  readonly version: number;
  /** The store's clock, in milliseconds. */
  readonly now: number;
  /** In the order of the batches. */
  readonly circuits: readonly MergedCircuit[];
}

/** Asks for the lease of a trial. */
export interface TrialRequest {
  readonly id: string;
  /** For the transition from open to half-open. */
  readonly nextGeneration: string;
  /** Unguessable; undefined to have the circuit half-open without a trial. */
  readonly lease: string | undefined;
  readonly leaseMs: number;
  readonly halfOpenCalls: number;
  readonly successThreshold: number;
}

export interface TrialReply {
  readonly isGranted: boolean;
  /** Undefined where the store knows nothing of the circuit. */
  readonly record: CircuitRecord | undefined;
}

/** How a trial ended. */
export interface TrialVerdict {
  readonly id: string;
  readonly generation: string;
  readonly lease: string;
  /** Undefined: nothing was learned, the lease goes back. */
  readonly passed: boolean | undefined;
  readonly nextGeneration: string;
  readonly successThreshold: number;
  /** How long it will be open where it fails. */
  readonly openMs: number;
}

/** A state that somebody wants by hand. */
export interface CircuitCommand {
  readonly id: string;
  readonly state: 'closed' | 'forced-open' | 'disabled' | 'metrics-only';
  readonly nextGeneration: string;
}

/** Which circuits have changed since a version. */
export interface CircuitChanges {
  readonly version: number;
  /** By id, with the version of each change. Undefined: too many to tell, or the store has lost what it knew. */
  readonly changed: ReadonlyMap<string, number> | undefined;
}

/**
 * What a shared circuit breaker wants of a store. The store decides every transition, in one step that nobody sees half of, tells
 * it at once to those who listen, and keeps it under a version for those who could not hear. All may reject.
 */
export interface CircuitStore {
  /** What a circuit is called in the store. */
  idOf(breaker: string, key: string | undefined): string;
  /**
   * Adds the counts of several circuits and judges them. Counts of another generation than the circuit's are dropped. A circuit
   * that the store does not know is made as the batch says.
   * @param sequence Of this instance's merges: one that was merged already is only answered.
   */
  merge(sequence: number, batches: readonly CircuitCountsBatch[]): Promise<MergeReply>;
  /** A lease for a trial, where the circuit may have one now. */
  trial(request: TrialRequest): Promise<TrialReply>;
  /** Counts with the circuit's generation and a lease that has not expired, and not otherwise. Gives what is known then. */
  conclude(verdict: TrialVerdict): Promise<CircuitRecord | undefined>;
  command(command: CircuitCommand): Promise<CircuitRecord>;
  /** Writes back what an instance knows, where the store knows nothing, or only the generation before. Gives what is known then. */
  restore(id: string, record: CircuitRecord): Promise<CircuitRecord>;
  /** In the order of the ids. */
  read(ids: readonly string[]): Promise<readonly (CircuitRecord | undefined)[]>;
  changes(since: number): Promise<CircuitChanges>;
  /** Tells of transitions of whatever instance, where it can hear of them. Gives what ends it. */
  listen(listener: (id: string, record: CircuitRecord) => void): () => void;
}
