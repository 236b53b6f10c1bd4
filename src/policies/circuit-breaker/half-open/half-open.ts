import type { AdmissionContext, AdmittedCall, CircuitState, CircuitStateName } from '../circuit-state.js';
import { Trial, type TrialHost } from './trial.js';
import type { TimeSource } from '../counting/windows.js';

/** Lets a few trials pass: enough successes close the circuit, one failure or slow call opens it. */
export class HalfOpenState implements CircuitState {
  readonly name = 'half-open';

  constructor(
    private readonly circuit: TrialHost,
    /** Of trials that count already. */
    public successes: number,
  ) {}

  admit(context: AdmissionContext): AdmittedCall | undefined {
    if (this.reopenAfterSilence(context)) return this.circuit.current.admit(context);
    const { trials, settings } = this.circuit;
    if (trials.inFlight(context) >= settings.halfOpenCalls) return undefined;
    return trials.start(new Trial(this.circuit, this, context));
  }

  nameAt(time: TimeSource): CircuitStateName {
    return this.reopenAfterSilence(time) ? this.circuit.current.nameAt(time) : 'half-open';
  }

  /** Ends a trial of this generation. Of an older one, only a success of the newest trial still counts. */
  end(trial: Trial, passed: boolean, context: AdmissionContext, error: unknown): void {
    const { circuit } = this;
    if (passed) circuit.counts.successes++;
    else circuit.counts.failures++;
    circuit.durations?.record(trial.tookMs(context));
    if (passed && circuit.trials.newest === trial) return this.pass(context);
    if (circuit.current !== this || this.reopenAfterSilence(context)) return;
    if (passed) return this.pass(context);
    if (error !== undefined) circuit.lastError = error;
    circuit.open(context.now(), context, undefined);
  }

  /** A trial gave no answer for so long, whenever somebody looks: it has failed, and may still succeed where no newer one began. */
  silent(trial: Trial, time: AdmissionContext): void {
    const { circuit } = this;
    if (circuit.current !== this) return;
    circuit.lastError = trial.silence;
    circuit.openAfterSilence(trial.silentSince(), time);
  }

  /** One more success; where the circuit has opened again meanwhile, it goes on from there. */
  private pass(context: AdmissionContext): void {
    const { circuit } = this;
    const current = circuit.current instanceof HalfOpenState ? circuit.current : this;
    const successes = current.successes + 1;
    if (successes >= circuit.settings.successThreshold) circuit.close(context);
    else if (circuit.current === current) current.successes = successes;
    else circuit.halfOpen(context, successes);
  }

  private reopenAfterSilence(time: AdmissionContext): boolean {
    const { circuit } = this;
    for (const trial of circuit.trials) {
      if (circuit.current === this && trial.belongsTo(this) && trial.isSilent(time)) trial.giveUp(time);
    }
    return circuit.current !== this;
  }
}
