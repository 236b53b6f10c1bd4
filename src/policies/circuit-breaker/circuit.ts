import type { Environment } from '../../engine/environment.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import { quoteText } from '../../options/index.js';
import type { CircuitLink, FleetFacts } from './shared/circuit-link.js';
import type {
  AdmissionContext,
  AdmittedCall,
  CircuitCounts,
  CircuitSettings,
  CircuitState,
  CircuitStateName,
  Transition,
} from './circuit-state.js';
import { HalfOpenState } from './half-open/half-open.js';
import { DEFAULT_OPEN_MS, openMsOf } from './open-duration.js';
import { CountingState, DisabledState, ForcedOpenState, OpenState } from './states.js';
import { Trials, type TrialHost } from './half-open/trial.js';
import type { CallStatistics, TimeSource } from './counting/windows.js';

/** Told of every change of state. */
export type TransitionListener = (circuit: Circuit, transition: Transition, context: AdmissionContext) => void;

const STATE_PHRASES: Partial<Record<CircuitStateName, string>> = {
  'half-open': 'half-open and its trials are under way',
  'forced-open': 'forced open',
};

/**
 * One circuit. `current` is its state and its generation in one: a result is told to the state object that admitted the
 * call, and an object that is no longer current changes nothing.
 */
export class Circuit implements TrialHost {
  current: CircuitState;
  /** The current state where it lets every call pass and takes no notice of its duration: mostly that is so. */
  fastPath: AdmittedCall | undefined;
  /** Where its state is shared: what joins it to the other instances. */
  link: CircuitLink | undefined;
  /** How often it opened, and what came of calls, in every state but disabled. */
  counts: CircuitCounts = { trips: 0, successes: 0, failures: 0, rejections: 0 };
  /** When it opened, where it has not closed since. */
  openedAt: number | undefined;
  private measured: Histogram | undefined;
  /** Openings since it was closed last. */
  openings = 0;
  lastError: unknown;
  /** The window that the last opening was judged by. */
  windowAtOpening: CallStatistics | undefined;
  /** How long the first opening since then lasted. */
  firstOpenMs = DEFAULT_OPEN_MS;
  private ofHalfOpen: Trials | undefined;
  private words = '';
  private formatEvent: CircuitState | undefined;

  constructor(
    /** The name of the breaker. */
    readonly breaker: string,
    readonly key: string | undefined,
    public settings: CircuitSettings,
    readonly environment: Environment,
    private readonly listener: TransitionListener,
    durations: Histogram | undefined,
  ) {
    this.measured = durations;
    this.current = new CountingState(this, 'closed');
    this.fastPath = this.plainOf(this.current);
  }

  /** Where the durations of calls go, if somebody wants them. */
  get durations(): Histogram | undefined {
    return this.measured;
  }

  measure(durations: Histogram): void {
    this.measured = durations;
    this.fastPath = this.plainOf(this.current);
  }

  /** Lets a call pass or not. What is given back must be told how the call ended. */
  admit(context: AdmissionContext): AdmittedCall | undefined {
    const admission = this.current.admit(context);
    if (admission === undefined) this.counts.rejections++;
    return admission;
  }

  /** The state of this moment: an open circuit whose time is over is half-open. */
  stateAt(time: TimeSource): CircuitStateName {
    return this.current.nameAt(time);
  }

  /** The trials in flight; most circuits never have one. */
  get trials(): Trials {
    return (this.ofHalfOpen ??= new Trials());
  }

  /** How long a trial may go without an answer, where the pipeline that it belongs to allows its calls so long. */
  trialTimeoutMs(longestLimitMs = 0): number {
    return this.settings.halfOpenTimeout ?? Math.max(this.firstOpenMs, longestLimitMs);
  }

  /** Opens. */
  open(at: number, context: AdmissionContext, statistics: CallStatistics | undefined): void {
    if (this.ofHalfOpen !== undefined) this.ofHalfOpen.newest = undefined;
    this.openFor(at, context, statistics);
  }

  /** Opens as of a moment that may have passed already: a trial gave no answer. The newest one may still do. */
  openAfterSilence(at: number, context: AdmissionContext): void {
    this.openFor(at, context, undefined);
  }

  /** @param successes Of trials that count already. */
  halfOpen(context: AdmissionContext, successes = 0): void {
    this.moveTo(new HalfOpenState(this, successes), context, false);
  }

  close(context: AdmissionContext, manual = false): void {
    this.openings = 0;
    this.moveTo(this.countingState('closed'), context, manual);
  }

  /** The state that the fleet is in, as this instance goes by it. */
  follow(state: CircuitState, facts: FleetFacts, context: AdmissionContext, manual = false): void {
    this.openings = facts.openings;
    this.openedAt = facts.openedAt ?? this.openedAt;
    this.firstOpenMs = facts.firstOpenMs;
    this.windowAtOpening = facts.windowAtOpening;
    if (facts.hasTripped) this.counts.trips++;
    this.moveTo(state, context, manual);
  }

  /** A circuit that is shared from now on. */
  join(link: CircuitLink): void {
    this.link = link;
    this.current = link.countingState('closed');
    this.fastPath = this.plainOf(this.current);
  }

  /** Lets everything pass from the start: nothing has changed, so nobody is told. */
  idle(): void {
    this.current = new DisabledState();
    this.fastPath = undefined;
  }

  /** Stands where the circuit of an earlier process stood. Nobody is told: nothing has changed. */
  resume(state: CircuitState): void {
    this.current.onExit?.();
    this.current = state;
    this.fastPath = this.plainOf(state);
  }

  /** As new: closed, with nothing remembered. */
  reset(context: AdmissionContext): void {
    this.lastError = this.windowAtOpening = undefined;
    this.close(context, true);
  }

  forceOpen(context: AdmissionContext): void {
    this.moveTo(new ForcedOpenState(), context, true);
  }

  disable(context: AdmissionContext): void {
    this.moveTo(new DisabledState(), context, true);
  }

  metricsOnly(context: AdmissionContext): void {
    this.moveTo(this.countingState('metrics-only'), context, true);
  }

  /** `Circuit breaker "payments" for key "acme"`. */
  get title(): string {
    return `Circuit breaker "${this.breaker}"${this.key === undefined ? '' : ` for key ${quoteText(this.key)}`}`;
  }

  /** Why no call passes, in words: made once for each state, because an outage asks for them again and again. */
  rejectionMessage(): string {
    if (this.formatEvent !== this.current) {
      const { current, windowAtOpening: judged } = this;
      const figures = judged === undefined || current.name !== 'open' ? '' : ` (${judged.failures} of ${judged.calls} calls failed)`;
      this.words = `${this.title} is ${STATE_PHRASES[current.name] ?? current.name}${figures}`;
      this.formatEvent = current;
    }
    return this.words;
  }

  /** Forgets a timer where one is set; the circuit is used no longer. Calls on their way still count, with the others that are. */
  retire(counts: CircuitCounts): void {
    this.current.onExit?.();
    this.ofHalfOpen?.release();
    this.link?.retired();
    for (const what of ['trips', 'successes', 'failures', 'rejections'] as const) counts[what] += this.counts[what];
    this.counts = counts;
  }

  /** Other settings from now on; an open circuit stays open as long as it was to. */
  reconfigure(settings: CircuitSettings): void {
    this.settings = settings;
    this.current.reconfigure?.();
    this.link?.reconfigured();
    this.fastPath = this.plainOf(this.current);
  }

  private countingState(name: 'closed' | 'metrics-only'): CircuitState {
    return this.link?.countingState(name) ?? new CountingState(this, name);
  }

  private openFor(at: number, context: AdmissionContext, statistics: CallStatistics | undefined): void {
    const { current, openings } = this;
    const openMs = openMsOf(this.settings.openDuration, openings + 1, this.environment);
    if (this.current !== current) return; // by a function of the user's that was asked for the open time
    this.openings = openings + 1;
    if (this.openings === 1) this.firstOpenMs = openMs === 0 ? DEFAULT_OPEN_MS : openMs;
    this.counts.trips++;
    this.openedAt ??= at;
    this.windowAtOpening = statistics;
    this.moveTo(new OpenState(this, at + openMs), context, false);
  }

  private plainOf(state: CircuitState): AdmittedCall | undefined {
    const takesNoTime = this.settings.slowCallDuration === undefined && this.measured === undefined;
    return takesNoTime ? state.everyCall : undefined;
  }

  private moveTo(state: CircuitState, context: AdmissionContext, manual: boolean): void {
    const from = this.current.name;
    const { openedAt } = this;
    if (state.name === 'closed') this.openedAt = undefined;
    if (this.ofHalfOpen !== undefined && (manual || state.name === 'closed')) {
      this.ofHalfOpen.newest = undefined;
      this.ofHalfOpen.release();
    }
    this.current.onExit?.();
    this.current = state;
    this.fastPath = this.plainOf(state);
    if (from === state.name) return;
    const openMs = openedAt === undefined || state.name !== 'closed' ? undefined : context.now() - openedAt;
    this.listener(this, { from, to: state.name, manual, openMs }, context);
  }
}
