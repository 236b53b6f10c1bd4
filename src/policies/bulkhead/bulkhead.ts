import type { Environment } from '../../engine/environment.js';
import { ResilienceConfigError } from '../../engine/error.js';
import { keyText } from '../../engine/state/key-text.js';
import { KeyTable } from '../../engine/state/key-table.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import { INSPECT, type Inspect } from '../../engine/telemetry/inspect.js';
import { limitWait, waitTurn } from '../../engine/waiting/waiter.js';
import { formatValue, type Key } from '../../options/index.js';
import { BulkheadRejection } from './bulkhead.error.js';
import { BulkheadEvents, type PartitionCounts } from './bulkhead.telemetry.js';
import { instancesOf, requiredStore, type SharedStore } from '../shared-store.js';
import type { PartitionLimits } from './partition-limits.js';
import { BulkheadPartition } from './partition.js';
import { BulkheadPermit } from './permit.js';
import { PermitExchange } from './shared/permit-exchange.js';
import { SharedPartition, type Sharing } from './shared/shared-partition.js';

/** What a bulkhead is; durations in milliseconds. */
export interface BulkheadSettings extends PartitionLimits {
  readonly maxKeys: number;
  readonly shared: boolean;
}

/** Which place, and how urgent. */
export interface BulkheadRequest {
  /** Higher first; anything but a number counts as 0. */
  readonly priority?: number;
  readonly key?: Key;
  readonly signal?: AbortSignal;
}

/** A named bulkhead, with places for each key and common ones. */
export class Bulkhead {
  private readonly limits: PartitionLimits;
  private readonly common: BulkheadPartition;
  private readonly keys: KeyTable;
  private readonly partitions: BulkheadPartition[] = [];
  private readonly events: BulkheadEvents;
  /** Disabled where an operator has switched it off: it lets everything pass. */
  state: 'enabled' | 'disabled' = 'enabled';
  /** @internal Told of what is changed here and not by `reconfigure`. */
  changedByHand: ((options: { readonly maxConcurrent: number }) => void) | undefined;
  /** @internal Of partitions whose keys are known no more. */
  readonly forgotten: PartitionCounts = { admitted: 0, rejections: 0, timeouts: 0, released: 0 };
  /** Whose key was just forgotten: those that wait there are told when the newcomer has what it asked for. */
  private displaced: BulkheadPartition | undefined;
  private readonly sharing: Sharing | undefined;

  /** @internal */
  constructor(
    readonly name: string,
    /** @internal */
    readonly settings: BulkheadSettings,
    private readonly environment: Environment,
  ) {
    this.limits = Object.assign({}, settings);
    this.events = new BulkheadEvents(environment.events, name);
    this.sharing = settings.shared ? this.shareBy(requiredStore(environment, `bulkhead "${name}"`)) : undefined;
    this.common = this.newPartition(undefined, undefined);
    this.keys = new KeyTable(settings.maxKeys, (slot) => this.forget(this.partitions[slot]!));
    this.measure();
  }

  /** @internal One that lets everything pass: an operator has switched off what the name stands for. */
  static idle(name: string, environment: Environment): Bulkhead {
    const settings = { maxConcurrent: Infinity, maxQueue: 0, overflow: 'reject', maxKeys: 1, shared: false } as const;
    const idle = new Bulkhead(name, settings, environment);
    idle.state = 'disabled';
    return idle;
  }

  /** What can be seen of it now, all keys together; `JSON.stringify` and `console.log` show this. */
  toJSON(): object {
    const { name, state, running, queued, maxConcurrent, rejections, runningInFleet } = this;
    return { name, state, running, queued, maxConcurrent, rejections, ...(runningInFleet === undefined ? {} : { runningInFleet }) };
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    return `Bulkhead ${inspect(this.toJSON(), options)}`;
  }

  /** Places in use, all keys together. */
  get running(): number {
    return this.all().reduce((sum, { running }) => sum + running, 0);
  }

  /** Places in use by all instances, all keys that are known here together, as the store said last; undefined where it is not shared. */
  get runningInFleet(): number | undefined {
    if (this.sharing === undefined) return undefined;
    return this.all().reduce((sum, partition) => sum + (partition as SharedPartition).inUseByAll, 0);
  }

  /** Who waits, all keys together. */
  get queued(): number {
    return this.all().reduce((sum, { queued }) => sum + queued, 0);
  }

  /** Calls that got no place, for whatever reason. */
  get rejections(): number {
    return this.all().reduce((sum, { rejections }) => sum + rejections, this.forgotten.rejections);
  }

  /** Calls that still run though their callers were answered, all keys together: each of them holds a permit. */
  get abandoned(): number {
    return this.all().reduce((sum, { abandoned }) => sum + abandoned, 0);
  }

  /** Permits that `releaseAfter` gave back, since the start. */
  get released(): number {
    return this.all().reduce((sum, { released }) => sum + released, this.forgotten.released);
  }

  /** How many calls run at a time, for each key. */
  get maxConcurrent(): number {
    return this.limits.maxConcurrent;
  }

  /** The highest share of places in use, over all keys. */
  get utilization(): number {
    return this.inUse().reduce((most, { running }) => Math.max(most, running), 0) / this.limits.maxConcurrent;
  }

  /**
   * Waits for a place and takes it.
   * @throws BulkheadFullError where there is none in time; the reason of `signal` where the caller aborts; TypeError for a key
   * that has no text.
   */
  async acquire({ priority, key, signal }: BulkheadRequest = {}): Promise<BulkheadPermit> {
    signal?.throwIfAborted();
    const partition = this.partition(this.textOf(key));
    const admission = partition.admit(numberOr0(priority), this.environment.clock);
    this.tellDisplaced();
    if (admission instanceof BulkheadRejection) throw admission.error;
    if (admission !== undefined) {
      const stopLimit = limitWait(admission, this.environment.deadlines, this.environment.clock.now());
      await waitTurn(admission, stopLimit, signal, () => partition.release());
    }
    return new BulkheadPermit(partition);
  }

  /**
   * A permit where a place is free at once; a request without one counts as rejected.
   * @throws TypeError for a key that has no text, and where the bulkhead is shared: its store has to be asked (`acquire`).
   */
  tryAcquire(key?: Key): BulkheadPermit | undefined {
    const partition = this.partition(this.textOf(key));
    const isFree = partition.tryAcquire();
    if (!isFree) partition.countRejection('capacity', undefined);
    this.tellDisplaced();
    return isFree ? new BulkheadPermit(partition) : undefined;
  }

  /**
   * Changes how many calls run at a time. Growing lets waiters in at once; shrinking lets those that run finish.
   * `reconfigure` of other options leaves it as it is. Of one that an operator has switched off nothing changes.
   * @throws ResilienceConfigError for anything but an integer >= 1 or `Infinity`.
   */
  resize(maxConcurrent: number): void {
    if (maxConcurrent !== Infinity && (!Number.isSafeInteger(maxConcurrent) || maxConcurrent < 1)) {
      throw new ResilienceConfigError([
        `bulkhead "${this.name}": maxConcurrent must be an integer >= 1 or Infinity, got ${formatValue(maxConcurrent)}`,
      ]);
    }
    if (this.state === 'disabled') return;
    this.changedByHand?.({ maxConcurrent });
    this.limits.maxConcurrent = maxConcurrent;
    for (const partition of this.inUse()) partition.admitWaiting();
  }

  /** @internal Other limits from now on: who may come in now does, who runs or waits stays. */
  reconfigure(settings: BulkheadSettings): void {
    Object.assign(this.limits, { queueTimeout: undefined, releaseAfter: undefined, onStoreFailure: undefined }, settings);
    for (const partition of this.inUse()) partition.admitWaiting();
  }

  /** @internal The places of a key. */
  partition(key: string | undefined): BulkheadPartition {
    if (key === undefined) return this.common;
    const slot = this.keys.use(key, (fresh) => {
      const partition: BulkheadPartition = this.newPartition(key, (used) => {
        const current = this.keys.find(key);
        if (current !== undefined && this.partitions[current] === partition) this.keys.hold(current, used);
      });
      this.partitions[fresh] = partition;
    });
    return this.partitions[slot]!;
  }

  /** @internal The times in the queue are measured from now on. */
  measure(): void {
    this.limits.queueTimes ??= this.environment.timings.ofCalls('bulkhead_queue_duration_seconds', this.name);
  }

  /** @internal How long waiters waited, where that is measured. */
  get queueTimes(): Histogram | undefined {
    return this.limits.queueTimes;
  }

  /** @internal */
  observePartitions(): readonly BulkheadPartition[] {
    return this.all();
  }

  /** @internal Tells who waited for a key that had to be forgotten, when whoever needed the room has been served. */
  tellDisplaced(): void {
    const { displaced } = this;
    if (displaced === undefined) return;
    this.displaced = undefined;
    displaced.rejectAll('displaced');
  }

  private forget(partition: BulkheadPartition): void {
    if (partition.queued > 0) this.displaced = partition;
    partition.retire(this.forgotten);
  }

  private textOf(key: Key): string | undefined {
    return keyText(key, `the key for bulkhead "${this.name}"`);
  }

  private newPartition(key: string | undefined, inUse: ((used: boolean) => void) | undefined): BulkheadPartition {
    const { name, limits, environment, events, sharing } = this;
    if (sharing === undefined) return new BulkheadPartition(name, key, limits, environment, events, inUse);
    return new SharedPartition(name, key, limits, environment, events, inUse, sharing);
  }

  private shareBy(store: SharedStore): Sharing {
    return {
      exchange: PermitExchange.of(store, this.environment),
      onStoreFailure: () => this.limits.onStoreFailure ?? store.settings.onStoreFailure,
      instances: () => instancesOf(store),
    };
  }

  private all(): readonly BulkheadPartition[] {
    return [this.common, ...this.partitions];
  }

  private inUse(): readonly BulkheadPartition[] {
    return [this.common, ...[...this.keys.heldSlots()].map((slot) => this.partitions[slot]!)];
  }
}

/** A priority as a function or a caller by hand gives it: one that is no number would break the order of the others. */
export function numberOr0(priority: unknown): number {
  if (priority instanceof Promise) priority.catch(() => undefined); // an async function's rejection is nobody else's
  return typeof priority === 'number' && !Number.isNaN(priority) ? priority : 0;
}
