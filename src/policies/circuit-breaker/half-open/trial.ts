import type { TimerHandle } from '../../../engine/clock.js';
import { describeDuration } from '../../../options/index.js';
import { CircuitOpenError } from '../circuit-breaker.error.js';
import type { AdmissionContext, AdmittedCall, CircuitControl } from '../circuit-state.js';
import { invokedAt } from '../counting/invoked-at.js';
import type { TimeSource } from '../counting/windows.js';

/**
 * A trial that gave no answer in time keeps its place until it settles, but for no longer than so many times its
 * `halfOpenTimeout` from its start: one that ignores its signal and never ends must not keep the circuit from closing for ever.
 */
const MAX_HOLD = 3;

/** A circuit, as its trials need it. */
export interface TrialHost extends CircuitControl {
  readonly trials: Trials;
  /** How long a trial may go without an answer, where the pipeline that it belongs to allows its calls so long. */
  trialTimeoutMs(longestLimitMs?: number): number;
  /** Opens as of a moment that may have passed already: a trial gave no answer. */
  openAfterSilence(at: number, context: AdmissionContext): void;
}

/** The state that let a trial pass. */
interface TrialJudge {
  /** It ended. */
  end(trial: Trial, passed: boolean, context: AdmissionContext, error: unknown): void;
  /** It gave no answer in time. */
  silent(trial: Trial, time: AdmissionContext): void;
}

/** A call that was let pass while half-open. */
export class Trial implements AdmittedCall {
  readonly isTimed = true;
  readonly timeoutMs: number;
  /** What its signal is aborted with where it gives no answer. */
  silence: CircuitOpenError | undefined;
  private readonly startedAt: number;
  private readonly slowAfterMs: number | undefined;
  /** Whose trial it is, until that was told how it ended: records of calls are used again. */
  private context: AdmissionContext | undefined;
  private timer: TimerHandle;
  private forget: (() => void) | undefined;

  constructor(
    private readonly circuit: TrialHost,
    private readonly state: TrialJudge,
    context: AdmissionContext,
  ) {
    this.context = context;
    this.startedAt = context.now();
    this.timeoutMs = circuit.trialTimeoutMs(context.longestLimitMs);
    this.slowAfterMs = circuit.settings.slowCallDuration;
    this.watch(this.timeoutMs);
  }

  belongsTo(state: TrialJudge): boolean {
    return this.state === state;
  }

  /** How long the method took; what it waited inside for a place or a permit says nothing about the dependency. */
  tookMs(context: AdmissionContext): number {
    return context.now() - invokedAt(context, this.startedAt);
  }

  /** Since when it has given no answer for too long; NaN while its method was not called. */
  silentSince(): number {
    const { context } = this;
    return context === undefined ? Number.NaN : (context.invokedAt ?? this.startedAt) + this.timeoutMs;
  }

  isSilent(time: TimeSource): boolean {
    return this.silence === undefined && time.now() >= this.silentSince();
  }

  /** Whether it still takes a place. */
  holdsAt(time: TimeSource): boolean {
    return time.now() < this.startedAt + MAX_HOLD * this.timeoutMs;
  }

  /** It gave no answer in time: its signal is aborted, and it keeps its place until it settles. */
  giveUp(time: AdmissionContext): void {
    this.unwatch();
    const { circuit, context, timeoutMs } = this;
    const attempt = context?.context; // before anybody hears of it: the record may serve another call after that
    this.silence = silenceOf(circuit, timeoutMs, context?.operationId);
    this.state.silent(this, time);
    attempt?.abandon(this.silence);
  }

  succeeded(context: AdmissionContext): void {
    this.conclude();
    const slow = this.slowAfterMs !== undefined && this.tookMs(context) > this.slowAfterMs;
    this.state.end(this, !slow, context, undefined);
  }

  failed(context: AdmissionContext, error: unknown): void {
    this.conclude();
    this.state.end(this, false, context, error);
  }

  released(): void {
    this.conclude();
  }

  /** Nobody is interested in its silence any more. */
  unwatch(): void {
    const { clock } = this.circuit.environment;
    if (this.timer !== undefined) clock.clearTimer(this.timer);
    this.timer = undefined;
    this.forget?.();
    this.forget = undefined;
  }

  private watch(delayMs: number): void {
    const { clock } = this.circuit.environment;
    this.timer = clock.setTimer(() => this.look(), delayMs);
    this.forget ??= this.circuit.environment.shutdown.timer(() => this.unwatch());
  }

  private look(): void {
    const { clock } = this.circuit.environment;
    const since = this.silentSince();
    if (Number.isNaN(since)) this.watch(this.timeoutMs);
    else if (clock.now() < since) this.watch(since - clock.now());
    else this.giveUp(clock);
  }

  private conclude(): void {
    this.context = undefined;
    this.unwatch();
    this.circuit.trials.delete(this);
  }
}

/** What an attempt is given up with that gave no answer in time. */
export function silenceOf(
  { title, breaker, environment }: CircuitControl,
  timeoutMs: number,
  operationId: string | undefined,
): CircuitOpenError {
  return new CircuitOpenError(`${title} is open: the trial gave no answer within ${describeDuration(timeoutMs)}`, {
    operationId,
    policyName: breaker,
    withStack: environment.stackTraces,
  });
}

/** The trials of a circuit that have not settled, of whatever generation. */
export class Trials {
  /** The one that began last, while no verdict but silence has moved the circuit on. */
  newest: Trial | undefined;
  private readonly running = new Set<Trial>();

  [Symbol.iterator](): Iterator<Trial> {
    return this.running.values();
  }

  start(trial: Trial): Trial {
    this.running.add(trial);
    return (this.newest = trial);
  }

  inFlight(time: TimeSource): number {
    for (const trial of this.running) if (!trial.holdsAt(time)) this.running.delete(trial);
    return this.running.size;
  }

  delete(trial: Trial): void {
    this.running.delete(trial);
  }

  /** The circuit is not half-open or about to be: they are calls like all others. */
  release(): void {
    for (const trial of this.running) trial.unwatch();
  }
}
