import type { TimerHandle } from '../../../engine/clock.js';
import type { Environment } from '../../../engine/environment.js';
import { storeFailed, type SharedStore } from '../../shared-store.js';
import type { CircuitStore } from './circuit-store.js';
import { CountMerger } from './count-merger.js';
import { FleetReader } from './fleet-reader.js';
import type { FleetExchange, SharedCircuit, TakenBatch } from './shared-circuit.js';
import { TrialRequests } from './trial-requests.js';
import type { ClockOffset } from './counting/unmerged-counts.js';

/** So many rounds apart, what is known is compared with the store: what a failover has lost is written back. */
const ROUNDS_UNTIL_COMPARED = 50;

/** Of `propagation`: how soon a circuit may be merged again. */
const SOONEST = 0.1;

const groups = new WeakMap<SharedStore, CircuitGroup>();

/**
 * All shared circuits of an application, as they talk with the store: counts are merged every `propagation`, those of all circuits
 * by one command; where there are none, one command asks whether anything has changed. Nothing here is on the way of a call but a trial.
 */
export class CircuitGroup implements FleetExchange {
  readonly clock: ClockOffset = { offsetMs: 0 };
  readonly trials: TrialRequests;
  private readonly store: CircuitStore;
  private readonly propagationMs: number;
  private readonly circuits = new Set<SharedCircuit>();
  /** Operations without a name may share the name of one. */
  private readonly byId = new Map<string, Set<SharedCircuit>>();
  private readonly withCounts = new Set<SharedCircuit>();
  private readonly suspects = new Set<SharedCircuit>();
  private readonly merger: CountMerger;
  private readonly reader: FleetReader;
  private rounds = 0;
  private timer: TimerHandle;
  private soonTimer: TimerHandle;
  private soonAt = Number.POSITIVE_INFINITY;
  private isStopped = false;
  private readonly running = new Set<Promise<void>>();

  static of(environment: Environment, store: SharedStore): CircuitGroup {
    let group = groups.get(store);
    if (group === undefined) groups.set(store, (group = new CircuitGroup(environment, store)));
    return group;
  }

  private constructor(
    private readonly environment: Environment,
    private readonly shared: SharedStore,
  ) {
    this.store = shared.circuits;
    this.propagationMs = shared.settings.propagationMs;
    this.trials = new TrialRequests(this.store, shared.settings.commandTimeoutMs, {
      background: (work) => this.background(work),
      failed: (error) => this.failed(error),
    });
    this.reader = new FleetReader(this.store, environment.clock);
    this.merger = new CountMerger(this.store, environment.clock, this.propagationMs, this.clock);
    const stopListening = this.store.listen((id, record) => {
      for (const circuit of this.byId.get(id) ?? []) circuit.learn(record);
    });
    const stopWatching = shared.availability.listen((isAvailable) => (isAvailable ? void this.comeBack() : this.goAlone()));
    shared.beforeStop(() => {
      stopListening();
      stopWatching();
      return this.stop();
    });
    environment.shutdown.timer(() => this.stopTimers());
    this.startRound();
  }

  /** A circuit that is shared from now on; its state is asked for at once. */
  join(circuit: SharedCircuit): void {
    this.circuits.add(circuit);
    const same = this.byId.get(circuit.id);
    if (same === undefined) this.byId.set(circuit.id, new Set([circuit]));
    else same.add(circuit);
    this.reader.unread.add(circuit);
    if (this.shared.availability.isDegraded) circuit.goAlone();
    this.soon(this.reader.lastReadAt);
  }

  leave(circuit: SharedCircuit): void {
    const same = this.byId.get(circuit.id);
    same?.delete(circuit);
    if (same?.size === 0) this.byId.delete(circuit.id);
    for (const set of [this.circuits, this.withCounts, this.suspects, this.reader.unread]) set.delete(circuit);
  }

  hasCounted(circuit: SharedCircuit): void {
    this.withCounts.add(circuit);
  }

  /** The circuit may have to open: merged as soon as it may be. */
  urge(circuit: SharedCircuit): void {
    if (this.suspects.has(circuit)) return;
    this.suspects.add(circuit);
    this.soon(circuit.mergedAt);
  }

  /** Counts of a state that is over. */
  keep(batch: TakenBatch): void {
    this.merger.keep(batch);
  }

  /** Sends what was commanded by hand; what does not arrive is sent again. */
  sendCommands(): void {
    for (const circuit of this.circuits) if (circuit.outbox !== undefined) this.background(this.sendCommand(circuit));
  }

  private async sendCommand(circuit: SharedCircuit): Promise<void> {
    const sent = circuit.outbox!;
    const record = await this.store.command(sent);
    if (circuit.outbox !== sent) return;
    circuit.outbox = undefined;
    circuit.learn(record);
  }

  /** Something is to be sent before the next round, but no sooner than a tenth of one after the last time. */
  private soon(lastAt: number): void {
    const { clock } = this.environment;
    const at = Math.max(clock.now(), lastAt + this.propagationMs * SOONEST);
    if (this.isStopped || at >= this.soonAt) return;
    this.cancelSoon();
    this.soonAt = at;
    const act = (): void => {
      this.soonAt = Number.POSITIVE_INFINITY;
      this.soonTimer = undefined;
      this.background(this.sendWhatIsUrgent());
    };
    if (at > clock.now()) this.soonTimer = clock.setTimer(act, at - clock.now());
    else queueMicrotask(act);
  }

  private cancelSoon(): void {
    if (this.soonTimer !== undefined) this.environment.clock.clearTimer(this.soonTimer);
    this.soonTimer = undefined;
  }

  private async sendWhatIsUrgent(): Promise<void> {
    if (!this.shared.availability.isAvailable) return;
    const now = this.environment.clock.now();
    const due = [...this.suspects].filter(({ mergedAt }) => now >= mergedAt + this.propagationMs * SOONEST);
    for (const circuit of due) this.suspects.delete(circuit);
    for (const { mergedAt } of this.suspects) this.soon(mergedAt);
    await Promise.all([this.merge(due), this.reader.readUnread()]);
  }

  private startRound(): void {
    const { clock } = this.environment;
    this.timer = clock.setTimer(() => {
      this.startRound();
      if (this.shared.availability.isAvailable && this.circuits.size > 0) this.background(this.round());
    }, this.propagationMs);
  }

  private async round(): Promise<void> {
    this.sendCommands();
    await this.reader.readUnread();
    const hasMerged = await this.merge(this.withCounts);
    if (!hasMerged) await this.reader.poll(this.circuits);
    for (const { trials } of this.circuits) trials.wasDenied = false;
    if (++this.rounds % ROUNDS_UNTIL_COMPARED === 0) await this.reader.read([...this.circuits].filter(isToBeCompared));
  }

  /** @returns whether there was something to merge. */
  private async merge(circuits: Iterable<SharedCircuit>): Promise<boolean> {
    const version = await this.merger.merge(circuits, (circuit) => this.withCounts.delete(circuit));
    if (version !== undefined && version !== this.reader.version) await this.reader.poll(this.circuits);
    return version !== undefined;
  }

  private goAlone(): void {
    for (const circuit of this.circuits) circuit.goAlone();
  }

  /** The store answers again: it is told what it has missed, and then what it says holds. */
  private async comeBack(): Promise<void> {
    const circuits = [...this.circuits];
    try {
      await Promise.all(circuits.filter(({ outbox }) => outbox !== undefined).map((circuit) => this.sendCommand(circuit)));
      await this.merge(this.withCounts);
      await this.reader.read(circuits);
    } catch (error) {
      this.failed(error);
    }
    if (this.shared.availability.isAvailable) for (const circuit of this.circuits) circuit.endAlone();
  }

  private background(work: Promise<unknown>): void {
    const running = work.then(
      () => void this.running.delete(running),
      (error: unknown) => {
        this.running.delete(running);
        this.failed(error);
      },
    );
    this.running.add(running);
  }

  private failed(error: unknown): void {
    storeFailed(this.environment, 'store of circuit breakers', error);
  }

  private stopTimers(): void {
    this.isStopped = true;
    const { clock } = this.environment;
    clock.clearTimer(this.timer);
    this.cancelSoon();
  }

  /** Gives the trials back that run, and the last counts. */
  private async stop(): Promise<void> {
    this.stopTimers();
    for (const { trials } of this.circuits) trials.giveAllBack();
    this.background(this.merge(this.withCounts));
    await Promise.all(this.running);
  }
}

/** What is closed is made anew by the next counts, and what was never read is read apart. */
function isToBeCompared({ record }: SharedCircuit): boolean {
  return record !== undefined && record.state !== 'closed';
}
