import type { Histogram } from '../../../engine/telemetry/histogram.js';
import type { AdmissionContext, AdmittedCall, CircuitControl, CircuitState, CircuitStateName } from '../circuit-state.js';
import { invokedAt } from './invoked-at.js';

/** Where the end of a call goes. */
interface CallRecorder {
  record(failed: boolean, slow: boolean, context: AdmissionContext, error: unknown): void;
}

/** A call of which it matters how long it took. */
class TimedCall implements AdmittedCall {
  readonly isTimed = true;

  constructor(
    private readonly state: CallRecorder,
    private readonly admittedAt: number,
    private readonly slowAfterMs: number | undefined,
    private readonly durations: Histogram | undefined,
  ) {}

  succeeded(context: AdmissionContext): void {
    this.end(false, context, undefined);
  }

  failed(context: AdmissionContext, error: unknown): void {
    this.end(true, context, error);
  }

  released(): void {
    // Nothing was counted yet.
  }

  private end(failed: boolean, context: AdmissionContext, error: unknown): void {
    const tookMs = context.now() - invokedAt(context, this.admittedAt);
    this.durations?.record(tookMs);
    this.state.record(failed, this.slowAfterMs !== undefined && tookMs > this.slowAfterMs, context, error);
  }
}

/**
 * Lets all calls pass, and is told of their ends. Is itself the admission of each call whose duration does not matter, so that
 * admitting costs nothing.
 */
export abstract class PassingState implements CircuitState, AdmittedCall, CallRecorder {
  readonly everyCall: AdmittedCall = this;
  protected slowAfterMs: number | undefined;

  constructor(
    protected readonly circuit: CircuitControl,
    readonly name: 'closed' | 'metrics-only',
  ) {
    this.slowAfterMs = circuit.settings.slowCallDuration;
  }

  abstract record(failed: boolean, slow: boolean, context: AdmissionContext, error: unknown): void;

  admit(context: AdmissionContext): AdmittedCall {
    const { durations } = this.circuit;
    if (this.slowAfterMs === undefined && durations === undefined) return this;
    return new TimedCall(this, context.now(), this.slowAfterMs, durations);
  }

  nameAt(): CircuitStateName {
    return this.name;
  }

  succeeded(context: AdmissionContext): void {
    this.record(false, false, context, undefined);
  }

  failed(context: AdmissionContext, error: unknown): void {
    this.record(true, false, context, error);
  }

  released(): void {
    // Nothing was counted yet.
  }
}
