import type { Environment } from '../../engine/environment.js';
import type { JudgedCall } from '../../engine/failure-filter.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import type { DataOf } from '../../options/index.js';
import type { circuitBreakerRules } from './circuit-breaker.policy.js';
import type { CallStatistics, CallWindow, TimeSource } from './counting/windows.js';

export type CircuitStateName = 'closed' | 'open' | 'half-open' | 'forced-open' | 'disabled' | 'metrics-only';

/** What a breaker's circuits share. Durations in milliseconds. */
export type CircuitSettings = Omit<
  DataOf<typeof circuitBreakerRules>,
  'maxKeys' | 'critical' | 'shared' | 'onStoreFailure' | 'successThreshold'
> & {
  /** False where failures in a row are the only rule. */
  readonly usesRates: boolean;
  readonly successThreshold: number;
};

/** Who a moment belongs to: the call that brought it about, or nobody. */
export interface AdmissionContext extends TimeSource, JudgedCall {
  /** When the method was called: NaN before that, undefined for a call by hand. */
  readonly invokedAt?: number;
  /** The longest time limit around it, in milliseconds. */
  readonly longestLimitMs?: number;
  /** What the method was told of its attempt. */
  readonly context?: { abandon(reason: unknown): void } | undefined;
}

/** A call that was let pass. Exactly one of these is told, once. */
export interface AdmittedCall {
  /** It wants to know when the method is called. */
  readonly isTimed?: boolean;
  succeeded(context: AdmissionContext): void;
  failed(context: AdmissionContext, error: unknown): void;
  /** It ended without a verdict on what is protected. */
  released(): void;
}

/** One generation of a circuit. */
export interface CircuitState {
  readonly name: CircuitStateName;
  /** What the calls of this generation did, where it looks at that. */
  readonly statistics?: Pick<CallWindow, 'expire' | keyof CallStatistics>;
  /** Where it lets every call pass and counts it: who is told of the ends of calls whose duration does not matter. */
  readonly everyCall?: AdmittedCall;
  admit(context: AdmissionContext): AdmittedCall | undefined;
  /** The name as of now. */
  nameAt(time: TimeSource): CircuitStateName;
  /** Milliseconds until the next trial, where that is known. */
  remainingMs?(time: TimeSource): number | undefined;
  /** The circuit has other settings. */
  reconfigure?(): void;
  /** Another state has taken over. */
  onExit?(): void;
}

export interface Transition {
  readonly from: CircuitStateName;
  readonly to: CircuitStateName;
  readonly manual: boolean;
  /** How long it was not closed, where it closes now. */
  readonly openMs: number | undefined;
}

/** What happened since the start. */
export interface CircuitCounts {
  trips: number;
  successes: number;
  failures: number;
  rejections: number;
}

/** A circuit, as its states and its news need it. */
export interface CircuitControl {
  /** The name of the breaker. */
  readonly breaker: string;
  readonly key: string | undefined;
  /** `Circuit breaker "payments" for key "acme"`. */
  readonly title: string;
  readonly environment: Environment;
  readonly settings: CircuitSettings;
  /** Its state and its generation in one. */
  readonly current: CircuitState;
  readonly counts: CircuitCounts;
  /** Where the durations of calls go, if somebody wants them. */
  readonly durations: Histogram | undefined;
  /** The window that the last opening was judged by. */
  readonly windowAtOpening: CallStatistics | undefined;
  lastError: unknown;
  open(at: number, context: AdmissionContext, statistics: CallStatistics | undefined): void;
  halfOpen(context: AdmissionContext, successes?: number): void;
  close(context: AdmissionContext): void;
}
