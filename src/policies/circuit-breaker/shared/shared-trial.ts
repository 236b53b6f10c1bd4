import type { TimerHandle } from '../../../engine/clock.js';
import type { AdmissionContext, AdmittedCall } from '../circuit-state.js';
import { invokedAt } from '../counting/invoked-at.js';
import { silenceOf, type TrialHost } from '../half-open/trial.js';

/** Who hears how a trial ended. */
export interface TrialOwner {
  readonly circuit: TrialHost;
  /** How long after its time a trial may still be told of, in milliseconds. */
  readonly graceMs: number;
  /** @param passed Undefined: nothing was learned, the lease goes back. */
  ended(trial: SharedTrial, passed: boolean | undefined): void;
}

/**
 * A call that was let pass while half-open, by a lease of the store. One that gives no answer in `halfOpenTimeout` is told to have
 * failed at that moment, by this process; if this process is gone by then, the lease runs out a little later. What it answers after that is no verdict.
 */
export class SharedTrial implements AdmittedCall {
  readonly isTimed = true;
  private readonly startedAt: number;
  private readonly timeoutMs: number;
  private readonly slowAfterMs: number | undefined;
  /** Whose trial it is, until that was told how it ended: records of calls are used again. */
  private context: AdmissionContext | undefined;
  private hasLease = true;
  private timer: TimerHandle;
  private readonly forget: () => void;

  constructor(
    private readonly owner: TrialOwner,
    readonly generation: string,
    readonly lease: string,
    context: AdmissionContext,
  ) {
    const { circuit } = owner;
    this.context = context;
    this.startedAt = context.now();
    this.timeoutMs = circuit.trialTimeoutMs(context.longestLimitMs);
    this.slowAfterMs = circuit.settings.slowCallDuration;
    this.forget = circuit.environment.shutdown.timer(() => this.giveBack());
    this.watch(this.timeoutMs);
  }

  succeeded(context: AdmissionContext): void {
    const tookMs = this.measured(context);
    this.owner.circuit.counts.successes++;
    this.conclude(!(this.slowAfterMs !== undefined && tookMs > this.slowAfterMs));
  }

  failed(context: AdmissionContext, error: unknown): void {
    const { circuit } = this.owner;
    this.measured(context);
    circuit.counts.failures++;
    if (error !== undefined && this.hasLease) circuit.lastError = error;
    this.conclude(false);
  }

  released(): void {
    this.conclude(undefined);
  }

  /** Without a verdict: the application ends, or nothing can be learned in time. The call goes on. */
  giveBack(): void {
    this.end(undefined);
  }

  private measured(context: AdmissionContext): number {
    const tookMs = context.now() - invokedAt(context, this.startedAt);
    this.owner.circuit.durations?.record(tookMs);
    return tookMs;
  }

  private watch(delayMs: number): void {
    this.timer = this.owner.circuit.environment.clock.setTimer(() => this.look(), delayMs);
  }

  private look(): void {
    const { clock } = this.owner.circuit.environment;
    const now = clock.now();
    const invoked = this.context?.invokedAt ?? this.startedAt;
    const due = invoked + this.timeoutMs;
    if (now >= due) this.fallSilent();
    // It waited inside, for a permit or in a queue, and that says nothing of what is protected.
    else if (due <= this.startedAt + this.timeoutMs + this.owner.graceMs) this.watch(due - now);
    else this.giveBack();
  }

  /** It gave no answer in time: that is a failure, and its signal is aborted. */
  private fallSilent(): void {
    const { circuit } = this.owner;
    const attempt = this.context?.context; // before anybody hears of it: the record may serve another call after that
    const silence = silenceOf(circuit, this.timeoutMs, this.context?.operationId);
    circuit.lastError = silence;
    this.end(false);
    attempt?.abandon(silence);
  }

  private conclude(passed: boolean | undefined): void {
    this.context = undefined;
    this.end(passed);
  }

  private end(passed: boolean | undefined): void {
    if (!this.hasLease) return;
    this.hasLease = false;
    this.owner.circuit.environment.clock.clearTimer(this.timer);
    this.forget();
    this.owner.ended(this, passed);
  }
}
