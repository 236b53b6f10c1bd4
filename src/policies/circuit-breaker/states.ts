import type { TimerHandle } from '../../engine/clock.js';
import type { AdmissionContext, AdmittedCall, CircuitControl, CircuitSettings, CircuitState, CircuitStateName } from './circuit-state.js';
import type { WindowSettings } from './circuit-breaker.policy.js';
import { createWindow, sameShape, type CallStatistics, type CallWindow, type TimeSource } from './counting/windows.js';
import { PassingState } from './counting/passing-state.js';

/** Lets all calls pass and counts them; where it is closed and not metrics-only, opens when too many fail or are slow. */
export class CountingState extends PassingState {
  statistics: CallWindow;
  private shape: WindowSettings;
  failuresInARow = 0;
  private readonly isClosed: boolean;

  constructor(circuit: CircuitControl, name: 'closed' | 'metrics-only') {
    super(circuit, name);
    this.shape = circuit.settings.window;
    this.statistics = createWindow(this.shape);
    this.isClosed = name === 'closed';
  }

  /** The circuit has other settings: a window of another shape begins anew. */
  reconfigure(): void {
    const { window, slowCallDuration } = this.circuit.settings;
    if (!sameShape(window, this.shape)) this.statistics = createWindow(window);
    this.shape = window;
    this.slowAfterMs = slowCallDuration;
  }

  record(failed: boolean, slow: boolean, context: AdmissionContext, error: unknown): void {
    const { circuit, statistics } = this;
    if (failed) circuit.counts.failures++;
    else circuit.counts.successes++;
    if (circuit.current !== this) return; // of an older generation
    if (failed) circuit.lastError = error;
    statistics.record(failed, slow, context);
    this.failuresInARow = failed ? this.failuresInARow + 1 : 0;
    // Nothing opens a circuit in whose window no call failed or was slow, and that is most of the time.
    if (statistics.failures + statistics.slowCalls === 0 || !this.isClosed) return;
    if (this.mustOpen(circuit.settings)) circuit.open(context.now(), context, statistics);
  }

  private mustOpen(settings: CircuitSettings): boolean {
    const { consecutiveFailures = Number.POSITIVE_INFINITY } = settings;
    return this.failuresInARow >= consecutiveFailures || (settings.usesRates && exceeds(this.statistics, settings));
  }
}

/** What the rates of a window are judged by. */
type RateSettings = Pick<CircuitSettings, 'minimumCalls' | 'failureRateThreshold' | 'slowCallRateThreshold'>;

/** Whether the rates of a window open the circuit. */
export function exceeds({ calls, failures, slowCalls }: CallStatistics, settings: RateSettings): boolean {
  if (calls < settings.minimumCalls) return false;
  if (failures > 0 && failures / calls >= settings.failureRateThreshold) return true;
  return slowCalls > 0 && slowCalls / calls >= settings.slowCallRateThreshold;
}

/** Lets no call pass until its time is over; the first one after that makes it half-open. */
export class OpenState implements CircuitState {
  readonly name = 'open';
  private readonly timer: TimerHandle;
  private readonly forget: (() => void) | undefined;

  constructor(
    private readonly circuit: CircuitControl,
    /** When the next trial may begin. */
    readonly until: number,
  ) {
    if (!circuit.settings.automaticHalfOpen) return;
    const { clock } = circuit.environment;
    this.timer = clock.setTimer(() => circuit.halfOpen(clock), Math.max(0, until - clock.now()));
    this.forget = circuit.environment.shutdown.timer(() => clock.clearTimer(this.timer));
  }

  admit(context: AdmissionContext): AdmittedCall | undefined {
    if (context.now() < this.until) return undefined;
    this.circuit.halfOpen(context);
    // Not the state that was made just now: whoever heard of it may have changed it again.
    return this.circuit.current.admit(context);
  }

  nameAt(time: TimeSource): CircuitStateName {
    return time.now() >= this.until ? 'half-open' : 'open';
  }

  remainingMs(time: TimeSource): number {
    return Math.max(0, this.until - time.now());
  }

  onExit(): void {
    if (this.timer !== undefined) this.circuit.environment.clock.clearTimer(this.timer);
    this.forget?.();
  }
}

/** Lets no call pass until somebody changes that. */
export class ForcedOpenState implements CircuitState {
  readonly name = 'forced-open';

  admit(): undefined {
    return undefined;
  }

  nameAt(): CircuitStateName {
    return 'forced-open';
  }
}

/** Lets all calls pass and looks at none. */
export class DisabledState implements CircuitState, AdmittedCall {
  readonly name = 'disabled';

  admit(): AdmittedCall {
    return this;
  }

  nameAt(): CircuitStateName {
    return 'disabled';
  }

  succeeded(): void {
    // Nothing is recorded.
  }

  failed(): void {
    // Nothing is recorded.
  }

  released(): void {
    // Nothing was taken.
  }
}

/** From harmless to bad, for whoever calls: what health, dashboards and metrics show of several circuits is the worst of them. */
const FROM_HARMLESS_TO_BAD: readonly CircuitStateName[] = ['closed', 'metrics-only', 'disabled', 'half-open', 'open', 'forced-open'];

/** How bad a state is: the higher the worse. */
export function severityOf(state: CircuitStateName): number {
  return FROM_HARMLESS_TO_BAD.indexOf(state);
}

/** Nothing passes. */
export function isOpen(state: CircuitStateName): boolean {
  return state === 'open' || state === 'forced-open';
}
