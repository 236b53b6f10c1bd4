import { WaitingFor, type Call, type Method } from '../call/call.js';
import type { Branch, BranchOptions } from '../call/branch.js';
import type { CallHost } from '../call/call-host.js';
import { CallPool } from '../call/call-pool.js';
import type { Environment } from '../environment.js';
import { abandon, applyInterruption, ringAlarm } from './cut-off.js';
import { dispatchTableOf, type DispatchTable } from './dispatch-table.js';
import { OperationCounts, succeedTo, type LayerCounters } from '../telemetry/operation-counts.js';
import { Outcome } from '../contract/outcome.js';
import type { Strategy } from '../contract/strategy.js';
import type { Verdict } from '../contract/verdict.js';
import { CallObserver } from '../telemetry/call-observer.js';
import type { CallTracer } from '../telemetry/tracer.js';
import type { Shutdown } from '../waiting/shutdown.js';
import type { EventHub } from '../telemetry/events.js';
import { reportEnd } from '../telemetry/report-end.js';
import { startBranch } from '../drivers/branch.js';
import { onAbort, reasonOf } from '../waiting/abort-listeners.js';
import { Waiter } from '../waiting/waiter.js';
import { substituteSettled } from './substitute.js';
import { again, suspend, resume } from './suspend.js';
import type { Move, Step, Walk } from './walk.js';
import { notAdmitted, succeedAmongStrays, successHandlerFailed, succeedWith } from './uncommon-turns.js';

/** Starts the method of a call. Methods and tasks of `execute` differ in what they are given. */
export type Invoker = (call: Call) => unknown;

/** After so many attempts without a delay the event loop gets its turn, so that endless retrying cannot block it. */
const ATTEMPTS_IN_A_ROW = 100;

/**
 * The strategies of one operation, outermost first, compiled once. The pipeline walks a call inwards (who has to be
 * asked?) and outwards (who has to be told?); a driver does what `step` says and reports with `hear`. Nothing in here
 * knows a kind of policy, a promise of the user's or an Observable.
 */
export class Pipeline implements Walk, CallHost<Call> {
  readonly tallies: readonly LayerCounters[];
  /** The layers that set a time limit on the call. */
  readonly limiting: readonly number[];
  /** Calls can be cut off while their method runs: by a time limit, or because another attempt has answered. */
  readonly limited: boolean;
  readonly pool: CallPool;
  private readonly events: EventHub;
  private readonly shutdown: Shutdown;
  roles: DispatchTable;
  expectsRepeats = false;
  /** There while somebody measures or traces. */
  watch: CallObserver | undefined;

  constructor(
    readonly operationId: string,
    public layers: readonly Strategy[],
    readonly environment: Environment,
    /** Undefined where the method is called with the caller's arguments as they are. */
    private invoker: Invoker | undefined,
    /** True where the beginning of each call must be known: an attempt context is handed out, or somebody measures. */
    private timed: boolean,
    /** What its calls come to; those of the operation where that has several pipelines. */
    readonly counts: OperationCounts = new OperationCounts(),
  ) {
    this.events = environment.events;
    this.shutdown = environment.shutdown;
    this.tallies = counts.talliesOf(layers);
    this.roles = dispatchTableOf(layers);
    this.limiting = this.roles.limiting;
    this.limited = this.limiting.length > 0 || layers.some(({ alarm, branchEnded }) => (alarm ?? branchEnded) !== undefined);
    this.pool = new CallPool(this);
    if (environment.timings.on) this.measure();
    if (environment.tracer !== undefined) this.trace(environment.tracer);
  }

  /** Other strategies at the same layers, kind by kind the same; calls on their way are told to the new ones. */
  replace(layers: readonly Strategy[]): void {
    succeedTo(layers, this.layers);
    this.layers = layers;
    this.roles = dispatchTableOf(layers);
  }

  /** Goes on with what the calls of another pipeline of the same operation came to. */
  goOnWith(previous: Pipeline): void {
    succeedTo(this.layers, previous.layers);
    if (this.watch !== undefined && previous.watch !== undefined)
      this.watch = new CallObserver(this.operationId, this.environment, this.watch.tracer, previous.watch);
  }

  /** Durations and errors are of interest from now on. */
  measure(): void {
    if (this.watch?.durations !== undefined) return;
    this.watch = new CallObserver(this.operationId, this.environment, this.watch?.tracer);
    this.timed = true;
    for (const layer of this.layers) layer.measure?.();
  }

  /** Somebody follows the calls from now on. */
  trace(tracer: CallTracer): void {
    const { invoker } = this;
    this.watch = new CallObserver(this.operationId, this.environment, tracer, this.watch);
    this.timed = true;
    this.invoker = (call) => tracer.invoke(call, () => (invoker === undefined ? call.callMethod() : invoker(call)));
  }

  get remembering(): readonly number[] | undefined {
    return this.roles.remembering;
  }

  get longestLimitMs(): number {
    return this.roles.longestLimitMs;
  }

  get tracer(): CallTracer | undefined {
    return this.watch?.tracer;
  }

  ring(call: Call, layer: number): void {
    ringAlarm(this, call, layer);
  }

  startBranch(parent: Call, layer: number, options: BranchOptions): Branch {
    return startBranch(this, parent, layer, options);
  }

  waitDescriptionOf(layer: number): string | undefined {
    return this.layers[layer]?.waitDescription;
  }

  /** A call that has begun is taken back, as if it had never been. */
  forget(): void {
    this.counts.calls--;
    this.shutdown.callEnded();
  }

  /** Calls the method. May throw. */
  invoke(call: Call): unknown {
    call.invoking();
    return this.invoker === undefined ? call.callMethod() : this.invoker(call);
  }

  /** The call has its arguments already. */
  begin(call: Call, target: unknown, method: Method, signal: AbortSignal | undefined): void {
    // First of all: a stranger's signal may throw, and then nothing has begun.
    if (signal !== undefined) this.follow(call, signal);
    this.counts.calls++;
    this.shutdown.inFlight++;
    call.target = target;
    call.method = method;
    if (this.timed || this.events.hasCallListeners) this.clockStart(call);
    else call.startedAt = Number.NaN;
  }

  /** Somebody wants to know when the call began. */
  private clockStart(call: Call): void {
    call.startedAt = call.now();
    this.watch?.began(call);
  }

  private follow(call: Call, signal: AbortSignal): void {
    if (signal.aborted) this.startUnwind(call, 0, Outcome.ABORT, reasonOf(signal));
    else onAbort(signal, call);
    call.dirty = true;
    call.signal = signal;
  }

  step(call: Call): Step {
    for (;;) {
      if (call.interruption !== undefined) applyInterruption(this, call);
      if (call.substitute !== undefined) {
        call.waitingFor = WaitingFor.ANSWER;
        return 'answer';
      }
      const move = call.inward ? this.enter(call) : this.exit(call);
      if (move !== 'walk') return move;
    }
  }

  /** What the call rested for has come: the method or an answer ended, a turn was granted, a pause is over, or it was cut off. */
  settled(call: Call, failed: boolean, payload: unknown): void {
    call.forgetTime();
    if (call.interruption !== undefined) applyInterruption(this, call);
    else if (call.waitingFor === WaitingFor.METHOD) {
      call.running = undefined;
      this.startUnwind(call, this.layers.length, failed ? Outcome.FAILURE : Outcome.SUCCESS, payload);
    } else if (call.waitingFor === WaitingFor.ANSWER) substituteSettled(this, call, failed, payload);
    else resume(this, call);
  }

  /** Whether a value counts as a failure at some layer. */
  rejects(value: unknown): boolean {
    return this.roles.judges.some((layer) => layer.rejects!(value, this.operationId));
  }

  /** The call is over; counts it and says so. */
  finish(call: Call): void {
    this.shutdown.callEnded();
    if (call.outcome === Outcome.SUCCESS) this.counts.successes++;
    else this.counts.countUnsuccessful(call.outcome);
    if (call.dirty || this.watch !== undefined || this.events.hasCallListeners) reportEnd(this, call);
  }

  /**
   * The method of a call that was not cut off gave its value: tells all layers. The short form of `hear` and `step` for the way that most calls take.
   */
  succeed(call: Call, value: unknown): Step {
    const { successHandlers, successLayers } = this.roles;
    call.forgetTime();
    call.payload = value;
    call.outcome = Outcome.SUCCESS;
    if (call.strays !== undefined) return succeedAmongStrays(this, call, value);
    let layer = 0;
    let verdict: Verdict;
    try {
      for (let index = 0; index < successHandlers.length && verdict === undefined; index++) {
        layer = successLayers[index]!;
        verdict = successHandlers[index]!(call, layer);
      }
    } catch (error) {
      return successHandlerFailed(this, call, layer, error);
    }
    return verdict === undefined ? 'done' : succeedWith(this, call, layer, verdict);
  }

  /** Asks the layers from the call's cursor on. */
  enter(call: Call): Move {
    const { admitLayers: admitting, admitHandlers: admits } = this.roles;
    try {
      for (let index = 0; index < admitting.length; index++) {
        const layer = admitting[index]!;
        if (layer < call.cursor) continue;
        call.cursor = layer;
        const admission = admits[index]!(call, layer);
        if (admission === undefined) {
          if (call.interruption === undefined) continue;
          call.cursor = layer + 1;
          return 'walk';
        }
        return notAdmitted(this, call, layer, admission);
      }
    } catch (error) {
      // A key, cost or priority function threw. The call never got further, so this is no verdict on the method.
      this.startUnwind(call, call.cursor, Outcome.REJECTED, error);
      return 'walk';
    }
    call.cursor = this.layers.length;
    call.waitingFor = WaitingFor.METHOD;
    return 'invoke';
  }

  private exit(call: Call): Move {
    const failed = call.outcome !== Outcome.SUCCESS;
    const told = failed ? this.roles.failureLayers : this.roles.successLayers;
    const hear = failed ? this.roles.failureHandlers : this.roles.successHandlers;
    for (let index = 0; index < told.length; index++) {
      const layer = told[index]!;
      if (layer >= call.cursor) continue;
      if (layer < call.floor) break;
      call.cursor = layer;
      if (call.strays !== undefined && this.layers[layer]!.holds === true) {
        abandon(this, call, layer);
        continue;
      }
      let verdict: Verdict;
      try {
        verdict = hear[index]!(call, layer);
      } catch (error) {
        this.environment.callbackFailed(this.layers[layer]!.kind, this.operationId, error);
      }
      if (verdict !== undefined) return this.applyVerdict(call, layer, verdict);
    }
    return 'done';
  }

  applyVerdict(call: Call, layer: number, verdict: NonNullable<Verdict>): Move {
    call.dirty = true;
    if (verdict instanceof Waiter) return suspend(call, verdict, this.environment);
    if (typeof verdict !== 'number') {
      call.substitute = verdict;
      return 'walk';
    }
    return again(this, call, layer, (call.attempt + 1) % ATTEMPTS_IN_A_ROW === 0 ? Math.max(verdict, 1) : verdict);
  }

  /** Counts what a layer did. */
  count(call: Call, layer: number, what: keyof LayerCounters): void {
    this.tallies[layer]![what]++;
    this.watch?.tracer?.counted(call, this.layers[layer]!.kind, what);
  }

  startUnwind(call: Call, layer: number, outcome: Outcome, payload: unknown): void {
    call.inward = false;
    call.cursor = layer;
    call.outcome = outcome;
    call.payload = payload;
  }
}
