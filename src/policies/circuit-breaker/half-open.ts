import type { Circuit, Occasion } from './circuit.js';
import type { Admission, CircuitState, CircuitStateName } from './states.js';
import { Trial } from './trial.js';
import type { TimeSource } from './windows.js';

/** Lets a few trials pass: enough successes close the circuit, one failure or slow call opens it. */
export class HalfOpenState implements CircuitState {
  readonly name = 'half-open';

  constructor(
    private readonly circuit: Circuit,
    private successes: number,
  ) {}

  admit(occasion: Occasion): Admission | undefined {
    if (this.reopenAfterSilence(occasion)) return this.circuit.current.admit(occasion);
    const { trials, settings } = this.circuit;
    if (trials.inFlight(occasion) >= settings.halfOpenCalls) return undefined;
    return trials.start(new Trial(this.circuit, this, occasion));
  }

  nameAt(time: TimeSource): CircuitStateName {
    return this.reopenAfterSilence(time) ? this.circuit.current.nameAt(time) : 'half-open';
  }

  /** Ends a trial of this generation. Of an older one, only a success of the newest trial still counts. */
  end(trial: Trial, passed: boolean, occasion: Occasion, error: unknown): void {
    const { circuit } = this;
    if (passed) circuit.counts.successes++;
    else circuit.counts.failures++;
    circuit.durations?.record(trial.tookMs(occasion));
    if (passed && circuit.trials.newest === trial) return this.pass(occasion);
    if (circuit.current !== this || this.reopenAfterSilence(occasion)) return;
    if (passed) return this.pass(occasion);
    if (error !== undefined) circuit.lastError = error;
    circuit.open(occasion.now(), occasion, undefined);
  }

  /** A trial gave no answer for so long, whenever somebody looks: it has failed, and may still succeed where no newer one began. */
  silent(trial: Trial, time: Occasion): void {
    const { circuit } = this;
    if (circuit.current !== this) return;
    circuit.lastError = trial.silence;
    circuit.openAfterSilence(trial.silentSince(), time);
  }

  /** One more success; where the circuit has opened again meanwhile, it goes on from there. */
  private pass(occasion: Occasion): void {
    const { circuit } = this;
    const current = circuit.current instanceof HalfOpenState ? circuit.current : this;
    const successes = current.successes + 1;
    if (successes >= circuit.settings.successThreshold) circuit.close(occasion);
    else if (circuit.current === current) current.successes = successes;
    else circuit.halfOpen(occasion, successes);
  }

  private reopenAfterSilence(time: Occasion): boolean {
    const { circuit } = this;
    for (const trial of circuit.trials) {
      if (circuit.current === this && trial.belongsTo(this) && trial.isSilent(time)) trial.giveUp(time);
    }
    return circuit.current !== this;
  }
}
