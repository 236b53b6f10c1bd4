import type { CircuitCounts, CircuitSettings, AdmissionContext, AdmittedCall, CircuitStateName } from './circuit-state.js';
import type { Environment } from '../../engine/environment.js';
import type { FailureFilter } from '../../engine/failure-filter.js';
import { INSPECT, type Inspect } from '../../engine/telemetry/inspect.js';
import { KeyTable } from '../../engine/state/key-table.js';
import { keyText } from '../../engine/state/key-text.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import { CircuitOpenRejection } from './circuit-breaker.error.js';
import type { ResolvedCircuitBreaker } from './circuit-breaker.policy.js';
import { CircuitBreakerEvents, type BreakerObservation } from './circuit-breaker.telemetry.js';
import { Circuit, type TransitionListener } from './circuit.js';
import { CircuitPermit } from './permit.js';
import { snapshotOf, type CircuitSnapshot } from './snapshot.js';
import { scopeOf, type CircuitCommandOptions } from './shared/command.js';
import type { JoinFleet } from './shared/sharing.js';
import { severityOf } from './states.js';

/** What a breaker is: the circuit's settings and how many keys it may have. */
export type CircuitBreakerSettings = CircuitSettings & Pick<ResolvedCircuitBreaker, 'maxKeys' | 'critical' | 'shared' | 'onStoreFailure'>;

const USUAL_CHANGES = ['closed open', 'open half-open', 'half-open closed', 'half-open open', 'open closed'];

/** Upper bounds of the buckets for how long circuits stay open, in seconds. */
const OPEN_BUCKETS = [1, 5, 10, 30, 60, 300, 900, 3600];

/**
 * A named circuit breaker, with one circuit for each key and a common one. Shared by all operations that use its name,
 * and to be used by hand where a call cannot be wrapped.
 */
export class CircuitBreaker {
  /** @internal */
  readonly common: Circuit;
  /** @internal */
  readonly keys: KeyTable;
  private readonly circuits: Circuit[] = [];
  private readonly events: CircuitBreakerEvents;
  private readonly manual: AdmissionContext;
  /** @internal Of circuits whose keys were forgotten. */
  readonly forgotten: CircuitCounts = { trips: 0, successes: 0, failures: 0, rejections: 0 };
  /** @internal By `<from> <to>`; those that come by themselves are there from the start. */
  readonly changes = new Map(USUAL_CHANGES.map((change) => [change, 0]));
  private readonly openTimes: Histogram;
  private durations: Histogram | undefined;
  /** @internal All keys are one, which lets everything pass. */
  isIdle = false;

  /** @internal */
  constructor(
    readonly name: string,
    /** @internal */
    public settings: CircuitBreakerSettings,
    private readonly environment: Environment,
    /** What permits by hand are judged by: the filters of whoever made the breaker. */
    private readonly filter: FailureFilter,
    /** Where its state is shared. */
    private readonly joinFleet?: JoinFleet,
  ) {
    this.events = new CircuitBreakerEvents(environment.events, name);
    this.manual = environment.clock;
    this.openTimes = environment.timings.of('circuit_breaker_open_duration_seconds', name, OPEN_BUCKETS);
    this.durations = environment.timings.ofCalls('circuit_breaker_request_duration_seconds', name);
    this.common = this.joined(this.newCircuit(undefined));
    this.keys = new KeyTable(settings.maxKeys, (slot) => this.circuits[slot]!.retire(this.forgotten));
  }

  /** What can be seen of the common circuit now; `JSON.stringify` and `console.log` show this. */
  toJSON(): object {
    const { lastError, ...rest } = this.snapshot();
    return { name: this.name, ...rest, keyCount: this.keyCount, lastError: lastError instanceof Error ? String(lastError) : lastError };
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    return `CircuitBreaker ${inspect(this.toJSON(), options)}`;
  }

  /** An open one of this breaker makes readiness fail. */
  get critical(): boolean {
    return this.settings.critical;
  }

  /** The state of the common circuit. */
  get state(): CircuitStateName {
    return this.common.stateAt(this.manual);
  }

  /** How often circuits opened, all keys together. */
  get trips(): number {
    return this.circuits.reduce((sum, { counts }) => sum + counts.trips, this.common.counts.trips + this.forgotten.trips);
  }

  /** How many keys are known. */
  get keyCount(): number {
    return this.keys.size;
  }

  /** The state of a key's circuit; a key that was never used is closed. */
  stateOf(key: string): CircuitStateName {
    return this.isIdle ? this.state : (this.known(key)?.stateAt(this.manual) ?? 'closed');
  }

  /** A permit, or undefined where the circuit is open. End it by `success`, `failure` or `release`. */
  tryAcquire(key?: string | null): CircuitPermit | undefined {
    const permit = this.permit(key);
    if (permit === undefined) this.countRejection(this.circuit(key), this.manual);
    return permit;
  }

  /**
   * A permit.
   * @throws CircuitOpenError where the circuit is open.
   */
  acquire(key?: string | null): CircuitPermit {
    const permit = this.permit(key);
    if (permit === undefined) throw this.reject(this.circuit(key), this.manual).error;
    return permit;
  }

  /**
   * A permit of any breaker; of a shared one the store is asked where a trial is due, which `acquire` cannot.
   * @returns A promise that rejects with CircuitOpenError where the circuit is open.
   */
  async request(key?: string | null): Promise<CircuitPermit> {
    const circuit = this.circuit(key);
    const admission = (await circuit.link?.trialByHand(this.manual)) ?? circuit.admit(this.manual);
    if (admission === undefined) throw this.reject(circuit, this.manual).error;
    return new CircuitPermit(admission, this.filter, this.manual);
  }

  /** Lets no call pass, until `close`, `reset` or another state by hand. Without a key the common circuit. */
  forceOpen(key?: string, options?: CircuitCommandOptions): void {
    this.command(key, options, (circuit) => circuit.forceOpen(this.manual));
  }

  /** Closes the circuit with an empty window. */
  close(key?: string, options?: CircuitCommandOptions): void {
    this.command(key, options, (circuit) => circuit.close(this.manual, true), true);
  }

  /** Lets all calls pass and records nothing. */
  disable(key?: string, options?: CircuitCommandOptions): void {
    this.command(key, options, (circuit) => circuit.disable(this.manual));
  }

  /** Lets all calls pass and records them. */
  metricsOnly(key?: string, options?: CircuitCommandOptions): void {
    this.command(key, options, (circuit) => circuit.metricsOnly(this.manual));
  }

  /** Starts anew: closed, with an empty window; calls in flight do not count. */
  reset(key?: string, options?: CircuitCommandOptions): void {
    this.command(key, options, (circuit) => circuit.reset(this.manual), true);
  }

  /** @internal Other settings from now on. Windows stay as they are where they are to be of the same shape. */
  reconfigure(settings: CircuitBreakerSettings): void {
    this.settings = settings;
    for (const circuit of [this.common, ...this.circuits]) circuit.reconfigure(settings);
  }

  /** What can be seen of a circuit now; of the common one without a key. */
  snapshot(key?: string): CircuitSnapshot {
    const circuit = key === undefined ? this.common : (this.known(key) ?? this.newCircuit(this.text(key)));
    return snapshotOf(circuit, this.manual);
  }

  /** The circuit in the worst state, of all keys: what health looks at. */
  worst(): CircuitSnapshot {
    let worst = snapshotOf(this.common, this.manual);
    for (const slot of this.keys.heldSlots()) {
      const snapshot = snapshotOf(this.circuits[slot]!, this.manual);
      if (severityOf(snapshot.state) > severityOf(worst.state)) worst = snapshot;
    }
    return worst;
  }

  /** @internal Lets a call of an operation pass, or not (undefined). */
  admit(key: string | undefined, context: AdmissionContext): AdmittedCall | undefined {
    return this.circuitOf(key).admit(context);
  }

  /** @internal The circuit of a key, for who asks it more than whether a call may pass. */
  circuitOf(key: string | undefined): Circuit {
    return key === undefined ? this.common : this.circuit(key);
  }

  /** @internal Why a call was just not let pass. */
  rejection(key: string | undefined, context: AdmissionContext): CircuitOpenRejection {
    return this.reject(key === undefined ? this.common : this.circuit(key), context);
  }

  /** @internal Durations of calls are measured from now on. */
  measure(): void {
    if (this.durations !== undefined) return;
    this.durations = this.environment.timings.ofCalls('circuit_breaker_request_duration_seconds', this.name);
    for (const circuit of [this.common, ...this.circuits]) circuit.measure(this.durations!);
  }

  /** @internal What metrics read, beside the circuits. */
  observe(): BreakerObservation {
    return { forgotten: this.forgotten, transitions: this.changes, openTimes: this.openTimes, durations: this.durations };
  }

  /** @internal */
  observeCircuits(): readonly Circuit[] {
    return [this.common, ...this.circuits];
  }

  /** @internal Looks at many circuits as of one moment. */
  observer(): (circuit: Circuit) => CircuitSnapshot {
    const now = this.manual.now();
    const moment = { now: () => now };
    return (circuit) => snapshotOf(circuit, moment);
  }

  private command(
    key: string | undefined,
    options: CircuitCommandOptions | undefined,
    act: (circuit: Circuit) => void,
    closes = false,
  ): void {
    const scope = scopeOf(options);
    const circuit = this.circuit(key);
    if (closes && scope === 'instance' && circuit.link !== undefined) return circuit.link.rejoin();
    act(circuit);
    circuit.link?.commanded(scope);
  }

  private joined(circuit: Circuit): Circuit {
    this.joinFleet?.(circuit, () => this.settings.onStoreFailure);
    return circuit;
  }

  /** @throws TypeError where the store would have to be asked, which takes its time. */
  private permit(key: string | null | undefined): CircuitPermit | undefined {
    if (this.settings.shared) {
      throw new TypeError(`circuit breaker "${this.name}" is shared: request() gives its permits, as the store may have to be asked`);
    }
    const admission = this.circuit(key).admit(this.manual);
    return admission === undefined ? undefined : new CircuitPermit(admission, this.filter, this.manual);
  }

  private known(given: string): Circuit | undefined {
    const key = this.text(given);
    const slot = key === undefined ? undefined : this.keys.find(key);
    return slot === undefined ? undefined : this.circuits[slot];
  }

  /** @internal The circuit of a key, made where there is none; the common one without a key. */
  circuit(given: string | null | undefined): Circuit {
    const key = this.text(given);
    if (key === undefined || this.isIdle) return this.common;
    return this.circuits[this.keys.use(key, (slot) => (this.circuits[slot] = this.joined(this.newCircuit(key))))]!;
  }

  private text(key: unknown): string | undefined {
    return keyText(key, `the key for circuit breaker "${this.name}"`);
  }

  private newCircuit(key: string | undefined): Circuit {
    const changed: TransitionListener = (circuit, transition, context) => {
      const { from, to, openMs } = transition;
      const slot = key === undefined ? undefined : this.keys.find(key);
      if (slot !== undefined && this.circuits[slot] === circuit) this.keys.hold(slot, to !== 'closed');
      this.changes.set(`${from} ${to}`, (this.changes.get(`${from} ${to}`) ?? 0) + 1);
      if (openMs !== undefined) this.openTimes.record(openMs);
      this.events.transition(circuit, transition, context);
    };
    return new Circuit(this.name, key, this.settings, this.environment, changed, this.durations);
  }

  private reject(circuit: Circuit, context: AdmissionContext): CircuitOpenRejection {
    const { name, environment } = this;
    const retryAfterMs = this.countRejection(circuit, context);
    return new CircuitOpenRejection(context.operationId, name, environment.stackTraces, retryAfterMs, circuit.rejectionMessage());
  }

  /** Tells that a call was not let pass; gives whole milliseconds until the next trial, where that is known. */
  private countRejection(circuit: Circuit, context: AdmissionContext): number | undefined {
    const remainingMs = circuit.current.remainingMs?.(context);
    const retryAfterMs = remainingMs === undefined ? undefined : Math.ceil(remainingMs);
    this.events.rejected(circuit.key, context.operationId, retryAfterMs);
    return retryAfterMs;
  }
}
