import type { AdmissionContext, AdmittedCall, CircuitState, CircuitStateName, CircuitControl } from '../circuit-state.js';
import type { TimerHandle } from '../../../engine/clock.js';
import type { WindowSettings } from '../circuit-breaker.policy.js';
import { PassingState } from '../counting/passing-state.js';
import { sameShape, type CallStatistics, type TimeSource } from '../counting/windows.js';
import type { MergedCircuit } from './circuit-store.js';
import { createUnmerged } from './counting/create-unmerged.js';
import type { ClockOffset, UnmergedCounts } from './counting/unmerged-counts.js';

/** Who merges what a state counts. */
export interface CountsOwner {
  readonly clock: ClockOffset;
  /** There is something to merge, and there was nothing. */
  counted(state: SharedCountingState): void;
  /** The threshold may be passed. */
  suspect(state: SharedCountingState, context: AdmissionContext): void;
  /** What was counted for a window of another shape. */
  reshaped(state: SharedCountingState): void;
}

const NOTHING_MERGED: MergedCircuit = { calls: 0, failures: 0, slowCalls: 0, failuresInARow: 0, record: undefined };

/**
 * Lets all calls pass and counts them here, until they are merged. Asks nobody on the way of a call. The window is that of the
 * fleet as the last answer told it, with what was counted since.
 */
export class SharedCountingState extends PassingState {
  unmerged: UnmergedCounts;
  /** The fleet's window, with all that was merged. */
  merged: MergedCircuit = NOTHING_MERGED;
  /** The window that is counted for. */
  window: WindowSettings;

  constructor(
    circuit: CircuitControl,
    name: 'closed' | 'metrics-only',
    private readonly owner: CountsOwner,
  ) {
    super(circuit, name);
    this.window = circuit.settings.window;
    this.unmerged = createUnmerged(this.window, owner.clock);
  }

  get statistics(): CallStatistics & { expire(): void } {
    const { merged, unmerged } = this;
    return {
      calls: merged.calls + unmerged.calls,
      failures: merged.failures + unmerged.failures,
      slowCalls: merged.slowCalls + unmerged.slowCalls,
      expire: () => undefined, // the store does that
    };
  }

  reconfigure(): void {
    const { window, slowCallDuration } = this.circuit.settings;
    this.slowAfterMs = slowCallDuration;
    if (sameShape(window, this.window)) return;
    this.owner.reshaped(this);
    this.window = window;
    this.unmerged = createUnmerged(window, this.owner.clock);
    this.merged = NOTHING_MERGED;
  }

  record(failed: boolean, slow: boolean, context: AdmissionContext, error: unknown): void {
    const { circuit, unmerged, merged } = this;
    if (failed) circuit.counts.failures++;
    else circuit.counts.successes++;
    if (circuit.current !== this) return; // of an older generation
    if (failed) circuit.lastError = error;
    unmerged.record(failed, slow, context);
    if (unmerged.calls === 1) this.owner.counted(this);
    // Nothing opens a circuit in whose window no call failed or was slow, and that is most of the time.
    if (unmerged.failures + unmerged.slowCalls + merged.failures + merged.slowCalls === 0) return;
    if (this.name === 'closed') this.owner.suspect(this, context);
  }
}

/** Lets no call pass until its time is over; who comes then has to ask the store for a trial. */
export class SharedOpenState implements CircuitState {
  readonly name = 'open';

  private timer: TimerHandle;
  private forget: (() => void) | undefined;

  /**
   * @param until By the clock of this process.
   * @param halfOpen Asks the store to have it half-open, where that is to happen without a call.
   */
  constructor(
    private readonly until: number,
    { settings, environment }: CircuitControl,
    halfOpen: () => void,
  ) {
    if (!settings.automaticHalfOpen) return;
    const { clock, shutdown } = environment;
    this.timer = clock.setTimer(halfOpen, Math.max(0, until - clock.now()));
    this.forget = shutdown.timer(() => clock.clearTimer(this.timer));
    this.onExit = () => {
      clock.clearTimer(this.timer);
      this.forget?.();
    };
  }

  onExit?: () => void;

  admit(): undefined {
    return undefined;
  }

  nameAt(time: TimeSource): CircuitStateName {
    return time.now() >= this.until ? 'half-open' : 'open';
  }

  remainingMs(time: TimeSource): number | undefined {
    const remaining = this.until - time.now();
    return remaining > 0 ? remaining : undefined; // somebody's trial is under way
  }
}

/** Lets those pass to whom the store leases a trial. */
export class SharedHalfOpenState implements CircuitState {
  readonly name = 'half-open';

  /** @param successes Of trials, in the whole fleet as it was told last. */
  constructor(public successes: number) {}

  admit(): undefined {
    return undefined;
  }

  nameAt(): CircuitStateName {
    return 'half-open';
  }
}

/** The store cannot be asked, and the breaker is not to decide by itself: all calls pass, or none. */
export class UnattendedState implements CircuitState, AdmittedCall {
  constructor(
    /** Of the state that the fleet was in. */
    readonly name: CircuitStateName,
    private readonly letsPass: boolean,
    private readonly circuit: CircuitControl,
  ) {}

  admit(): AdmittedCall | undefined {
    return this.letsPass ? this : undefined;
  }

  nameAt(): CircuitStateName {
    return this.name;
  }

  succeeded(): void {
    this.circuit.counts.successes++;
  }

  failed(_context: AdmissionContext, error: unknown): void {
    this.circuit.counts.failures++;
    this.circuit.lastError = error;
  }

  released(): void {
    // Nothing was counted yet.
  }
}
