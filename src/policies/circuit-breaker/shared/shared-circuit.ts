import type { CircuitLink, FleetFacts } from './circuit-link.js';
import type { AdmissionContext, AdmittedCall, CircuitState, CircuitStateName } from '../circuit-state.js';
import type { StoreFailureMode } from '../../../options/index.js';
import type { Circuit } from '../circuit.js';
import { HalfOpenState } from '../half-open/half-open.js';
import { openMsOf } from '../open-duration.js';
import { DisabledState, exceeds, ForcedOpenState, OpenState } from '../states.js';
import type { CircuitCommand, CircuitJudgement, CircuitRecord, MergedCircuit } from './circuit-store.js';
import type { CommandScope } from '../../../engine/contract/instance.js';
import { newGeneration } from './generation.js';
import { SharedCountingState, SharedHalfOpenState, SharedOpenState, UnattendedState, type CountsOwner } from './shared-states.js';
import { SharedTrials } from './shared-trials.js';
import type { TrialCircuit, TrialRequests } from './trial-requests.js';
import type { ClockOffset, TakenCounts } from './counting/unmerged-counts.js';

/** Counts taken out of a circuit, with what they are to be merged by. */
export interface TakenBatch {
  readonly circuit: SharedCircuit;
  readonly from: SharedCountingState;
  readonly counts: TakenCounts;
  readonly generation: string;
  readonly judgement: CircuitJudgement;
}

/** Who talks with the store for the circuits of an application. */
export interface FleetExchange {
  readonly clock: ClockOffset;
  readonly trials: TrialRequests;
  /** There is something to merge. */
  hasCounted(circuit: SharedCircuit): void;
  /** The circuit may have to open: merged as soon as it may be. */
  urge(circuit: SharedCircuit): void;
  /** Counts of a state that is over. */
  keep(batch: TakenBatch): void;
  /** Sends what was commanded by hand. */
  sendCommands(): void;
  leave(circuit: SharedCircuit): void;
}

const UNKNOWN_FACTS: FleetFacts = { openings: 0, openedAt: undefined, firstOpenMs: 0, windowAtOpening: undefined, hasTripped: false };

/**
 * What joins a circuit to those of the other instances. It knows what the fleet was told last and puts the circuit into that state;
 * the store decides. While the store cannot be asked, the circuit goes on as `onStoreFailure` says.
 */
export class SharedCircuit implements CircuitLink, CountsOwner, TrialCircuit {
  readonly clock: ClockOffset;
  /** When its counts were sent last. */
  mergedAt = Number.NEGATIVE_INFINITY;
  /** The instance has forgotten the key. */
  isGone = false;
  /** A command by hand that the store has not got yet. */
  outbox: CircuitCommand | undefined;
  readonly trials: SharedTrials;
  private known: CircuitRecord | undefined;
  /** When it was told, by the clock of this process. */
  private knownAt = 0;
  /** A state by hand that holds for this instance alone. */
  private isSetApart = false;
  /** The store cannot be asked. */
  isAlone = false;

  constructor(
    readonly id: string,
    readonly circuit: Circuit,
    private readonly fleet: FleetExchange,
    readonly mode: () => StoreFailureMode,
  ) {
    this.clock = fleet.clock;
    this.trials = new SharedTrials(this, mode, fleet.trials);
  }

  /** What the fleet is known to be in; undefined where this instance was never told. */
  get record(): CircuitRecord | undefined {
    return this.known;
  }

  get generation(): string {
    return this.known?.generation ?? '';
  }

  /** What is known, with its times as of now. */
  currentRecord(): CircuitRecord | undefined {
    const { known } = this;
    if (known === undefined) return undefined;
    const passed = this.now() - this.knownAt;
    return {
      ...known,
      remainingMs: Math.max(0, known.remainingMs - passed),
      openForMs: known.openForMs === undefined ? undefined : known.openForMs + passed,
    };
  }

  countingState(name: 'closed' | 'metrics-only'): SharedCountingState {
    return new SharedCountingState(this.circuit, name, this);
  }

  /** What is to be merged, where there is something. */
  take(): TakenBatch | undefined {
    const { current } = this.circuit;
    return current instanceof SharedCountingState && current.unmerged.calls > 0 ? this.takeFrom(current) : undefined;
  }

  counted(): void {
    this.fleet.hasCounted(this);
  }

  suspect(state: SharedCountingState, context: AdmissionContext): void {
    if (!this.isAlone) {
      if (this.mayOpen(state)) this.fleet.urge(this);
      return;
    }
    if (this.mode() !== 'local') return;
    const { settings } = this.circuit;
    const { unmerged } = state;
    unmerged.expire(context);
    const { consecutiveFailures = Number.POSITIVE_INFINITY } = settings;
    if (unmerged.failureRuns.trailing < consecutiveFailures && !(settings.usesRates && exceeds(unmerged, settings))) return;
    const { calls, failures, slowCalls } = unmerged;
    this.fleet.keep(this.takeFrom(state));
    this.circuit.open(context.now(), context, { calls, failures, slowCalls });
  }

  reshaped(state: SharedCountingState): void {
    if (state.unmerged.calls > 0) this.fleet.keep(this.takeFrom(state));
  }

  reconfigured(): void {
    if (this.isAlone) this.goAlone();
  }

  /** The store has counted what it was sent. */
  merged({ from, generation }: TakenBatch, reply: MergedCircuit): void {
    if (this.circuit.current === from && (generation === this.generation || generation === '')) from.merged = reply;
    if (reply.record !== undefined) this.learn(reply.record);
  }

  /** The store, or another instance, tells of the circuit. Older news than what is known is none, unless the store has lost that. */
  learn(record: CircuitRecord, context: AdmissionContext = this.circuit.environment.clock, storeHasLost = false): void {
    const { known } = this;
    if (this.outbox !== undefined && record.generation !== this.outbox.nextGeneration) return;
    if (known !== undefined && record.generation !== known.generation && record.version < known.version && !storeHasLost) return;
    const isNews = record.generation !== known?.generation;
    this.known = record;
    this.knownAt = this.now();
    if (isNews) this.trials.wasDenied = false;
    if (this.isSetApart || this.isAlone) return;
    const { current } = this.circuit;
    if (!isNews && current.name === record.state) {
      if (current instanceof SharedHalfOpenState) current.successes = record.successes;
      return;
    }
    // What was counted before anybody told of the fleet counts with the fleet.
    if (known === undefined && current instanceof SharedCountingState && current.name === record.state) return;
    this.enter(record, isNews && known !== undefined && record.state === 'open', context);
  }

  commanded(scope: CommandScope): void {
    this.isSetApart = scope === 'instance';
    if (this.isSetApart) return;
    const state = this.circuit.current.name as CircuitCommand['state'];
    const { known } = this;
    const nextGeneration = newGeneration();
    this.outbox = { id: this.id, state, nextGeneration };
    this.known = {
      state,
      generation: nextGeneration,
      previous: known?.generation ?? '',
      version: known?.version ?? 0,
      remainingMs: 0,
      openForMs: undefined,
      openings: 0,
      firstOpenMs: known?.firstOpenMs ?? 0,
      successes: 0,
      judged: undefined,
    };
    this.knownAt = this.now();
    this.fleet.sendCommands();
  }

  rejoin(): void {
    this.isSetApart = false;
    if (this.isAlone) this.goAlone();
    else this.backToFleet();
  }

  trialByHand(context: AdmissionContext): Promise<AdmittedCall | undefined> | undefined {
    return this.trials.byHand(context);
  }

  /** How long the circuit is open, where it opens next. */
  nextOpenMs(): number {
    const { settings, environment } = this.circuit;
    return openMsOf(settings.openDuration, (this.known?.openings ?? 0) + 1, environment);
  }

  retired(): void {
    const { current } = this.circuit;
    if (current instanceof SharedCountingState && current.unmerged.calls > 0) this.fleet.keep(this.takeFrom(current));
    this.isGone = true;
    this.fleet.leave(this);
  }

  /** The store cannot be asked from now on. */
  goAlone(): void {
    this.isAlone = true;
    const { circuit, known } = this;
    if (this.isSetApart) return;
    const mode = this.mode();
    const state = known?.state ?? 'closed';
    const isUndecided = state === 'open' || state === 'half-open';
    if (mode === 'local' && state === 'open') this.follow(new OpenState(circuit, this.knownAt + known!.remainingMs));
    else if (mode === 'local' && state === 'half-open') this.follow(new HalfOpenState(circuit, known!.successes));
    else if (mode !== 'local' && (isUndecided || (state === 'closed' && mode === 'reject')))
      this.follow(new UnattendedState(state, mode === 'allow', circuit));
    else if (circuit.current instanceof UnattendedState) this.backToFleet();
  }

  /** The store answers again, and has told what there is to know. */
  endAlone(): void {
    this.isAlone = false;
    if (!this.isSetApart) this.backToFleet();
  }

  private backToFleet(): void {
    const { known } = this;
    const { current } = this.circuit;
    const state = known?.state ?? 'closed';
    if (current instanceof SharedCountingState && current.name === state) return;
    if (known === undefined) this.follow(this.countingState('closed'));
    else this.enter(known, false, this.circuit.environment.clock);
  }

  private enter(record: CircuitRecord, hasTripped: boolean, context: AdmissionContext): void {
    const facts = {
      openings: record.openings,
      openedAt: record.openForMs === undefined ? undefined : this.knownAt - record.openForMs,
      firstOpenMs: record.firstOpenMs,
      windowAtOpening: record.judged,
      hasTripped,
    };
    this.circuit.follow(this.stateOf(record), facts, context, isByHand(record.state) || isByHand(this.circuit.current.name));
  }

  /** A state that is not the fleet's word, but this instance's way with it. */
  private follow(state: CircuitState): void {
    const { known, circuit } = this;
    const facts =
      known === undefined
        ? UNKNOWN_FACTS
        : { ...UNKNOWN_FACTS, openings: known.openings, firstOpenMs: known.firstOpenMs, windowAtOpening: known.judged };
    circuit.follow(state, facts, circuit.environment.clock);
  }

  private stateOf({ state, remainingMs, successes }: CircuitRecord): CircuitState {
    if (state === 'closed' || state === 'metrics-only') return this.countingState(state);
    if (state === 'open')
      return new SharedOpenState(this.knownAt + remainingMs, this.circuit, () => this.fleet.trials.halfOpenWithoutCall(this));
    if (state === 'half-open') return new SharedHalfOpenState(successes);
    return state === 'disabled' ? new DisabledState() : new ForcedOpenState();
  }

  private takeFrom(state: SharedCountingState): TakenBatch {
    const { window, minimumCalls, usesRates, failureRateThreshold, slowCallRateThreshold, consecutiveFailures } = this.circuit.settings;
    const judgement = { window, minimumCalls, usesRates, failureRateThreshold, slowCallRateThreshold, consecutiveFailures };
    return {
      circuit: this,
      from: state,
      counts: state.unmerged.take(this.circuit.environment.clock),
      generation: this.generation,
      judgement: { ...judgement, window: state.window },
    };
  }

  /** Whether the store would open it, as far as can be seen from here. */
  private mayOpen(state: SharedCountingState): boolean {
    const { settings } = this.circuit;
    const { merged, unmerged } = state;
    const { failureRuns } = unmerged;
    const { consecutiveFailures } = settings;
    if (consecutiveFailures !== undefined) {
      if (failureRuns.longest >= consecutiveFailures || merged.failuresInARow + failureRuns.leading >= consecutiveFailures) return true;
    }
    return settings.usesRates && (exceeds(unmerged, settings) || exceeds(state.statistics, settings));
  }

  private now(): number {
    return this.circuit.environment.clock.now();
  }
}

/** Only somebody's command brings a circuit into such a state, and out of it. */
function isByHand(state: CircuitStateName): boolean {
  return state === 'forced-open' || state === 'disabled' || state === 'metrics-only';
}
