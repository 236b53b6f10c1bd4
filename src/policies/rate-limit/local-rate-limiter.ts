import type { PermitRequest } from '../../engine/contract/admission.js';
import type { Environment } from '../../engine/environment.js';
import type { ScheduledQueue } from '../../engine/waiting/scheduled-queue.js';
import { Waiter } from '../../engine/waiting/waiter.js';
import type { Key } from '../../options/index.js';
import type { Algorithm } from './counting/algorithm.js';
import { algorithmOf } from './counting/algorithms.js';
import { PermitQueues, type TakenOut } from './permit-queues.js';
import { COMMON, PermitTable } from './permit-table.js';
import type { RateLimitRejection, RateLimitReason } from './rate-limit.error.js';
import { RateLimiter, type RateLimiterSettings, type RateLimitRequest, type RateLimitStatus } from './rate-limiter.js';

/** The state of a key that was never used, in every way of counting. */
const UNUSED = new Float64Array(4);

/** A limiter that counts by itself. */
export class LocalRateLimiter extends RateLimiter {
  private algorithm: Algorithm;
  private readonly table: PermitTable;
  private readonly queues: PermitQueues;
  /** Who waited for a key that was just forgotten: to be told when the newcomer has what it asked for. */
  private displaced: TakenOut | undefined;

  constructor(name: string, settings: RateLimiterSettings, environment: Environment) {
    super(name, settings, environment);
    const { limit, per, burst, algorithm, maxKeys } = settings;
    this.algorithm = algorithmOf(algorithm, { limit, perMs: per, burst });
    this.table = new PermitTable(this.algorithm, maxKeys, this.evicted, environment.clock);
    this.queues = new PermitQueues(
      this.table,
      environment,
      () => this.allowed++,
      (taken) => this.rejectAll(taken, 'shutdown'),
    );
  }

  /** How many keys are known. */
  override get keyCount(): number {
    return this.table.keyCount;
  }

  /** How many wait for a permit, all keys together. */
  override get waiting(): number {
    return this.queues.size;
  }

  override tryAcquire(request: RateLimitRequest = {}): boolean {
    const { key, cost } = this.read(request);
    if (this.state === 'disabled') return true;
    const canPass = cost <= this.algorithm.capacity;
    const slot = canPass ? this.table.use(key) : COMMON;
    const now = this.environment.clock.now();
    const isTaken = canPass && this.queues.of(slot) === undefined && this.takeNow(slot, now, cost);
    if (!isTaken) this.countRejection(canPass ? 'limit' : 'cost', { key, cost }, canPass ? this.waitMs(slot, now, cost) : undefined);
    this.tellDisplaced();
    return isTaken;
  }

  override peek(key?: Key): RateLimitStatus {
    if (this.state === 'disabled') return { remaining: Infinity, resetAfterMs: 0 };
    const slot = this.table.find(this.textOf(key));
    const now = this.environment.clock.now();
    const [state, at] = slot === undefined ? [UNUSED, 0] : [this.table.state, this.table.at(slot)];
    return {
      remaining: slot !== undefined && this.queues.of(slot) !== undefined ? 0 : this.algorithm.remaining(state, at, now),
      resetAfterMs: this.algorithm.resetAfterMs(state, at, now),
    };
  }

  override someKeys(offset: number, limit: number): readonly string[] {
    return this.table.someKeys(offset, limit);
  }

  override reconfigure(settings: RateLimiterSettings): void {
    const { limit, per, burst, algorithm } = settings;
    const { limit: oldLimit, per: oldPer, burst: oldBurst } = this.settings;
    this.algorithm = algorithmOf(algorithm, { limit, perMs: per, burst });
    this.table.countBy(this.algorithm, { limit: oldLimit, perMs: oldPer, burst: oldBurst }, this.environment.clock.now());
    super.reconfigure(settings);
    for (const taken of this.queues.paceChanged()) this.rejectAll(taken, 'cost');
  }

  override admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    // Most calls have no key and find nobody waiting; nothing of theirs can displace anybody.
    if (key === undefined && this.queues.isEmpty && cost <= this.algorithm.capacity) {
      const now = asking.now();
      return this.takeNow(COMMON, now, cost) ? undefined : this.waitOrReject(COMMON, undefined, now, key, cost, asking);
    }
    const admission = this.decide(key, cost, asking);
    if (this.displaced !== undefined) this.tellDisplaced();
    return admission;
  }

  override giveBack(key: string | undefined, cost: number): void {
    const slot = this.table.find(key);
    if (slot === undefined) return;
    this.allowed--;
    this.algorithm.giveBack(this.table.state, this.table.at(slot), cost);
    this.queues.of(slot)?.paceChanged();
  }

  /** So much was let pass by somebody else: uses up at most all there is. */
  charge(key: string | undefined, cost: number): void {
    const slot = this.table.use(key);
    this.algorithm.charge(this.table.state, this.table.at(slot), this.environment.clock.now(), cost);
    this.tellDisplaced();
  }

  private decide(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    if (cost > this.algorithm.capacity) return this.reject('cost', asking, key, cost, undefined);
    const slot = this.table.use(key);
    const queue = this.queues.isEmpty ? undefined : this.queues.of(slot);
    const now = asking.now();
    if (queue === undefined && this.takeNow(slot, now, cost)) return undefined;
    return this.waitOrReject(slot, queue, now, key, cost, asking);
  }

  /** There is no permit now. */
  private waitOrReject(
    slot: number,
    queue: ScheduledQueue | undefined,
    now: number,
    key: string | undefined,
    cost: number,
    asking: PermitRequest,
  ): RateLimitRejection | Waiter {
    const { settings } = this;
    const waitMs = this.waitMs(slot, now, cost);
    const mustGo = asking.mayWait === false || waitMs > settings.maxWait || (queue?.size ?? 0) >= settings.maxQueue;
    if (mustGo) return this.reject('limit', asking, key, cost, waitMs);
    if (this.environment.shutdown.isDraining) return this.reject('shutdown', asking, key, cost, undefined);
    const turns = queue ?? this.queues.open(slot, key);
    const waiter = new Waiter(turns, 0, cost, undefined, asking.operationId, now);
    turns.add(waiter);
    this.events.delayed({ operationId: asking.operationId, key, cost }, waitMs);
    return waiter;
  }

  private takeNow(slot: number, now: number, cost: number): boolean {
    const isTaken = this.algorithm.tryTake(this.table.state, this.table.at(slot), now, cost);
    if (isTaken) this.allowed++;
    return isTaken;
  }

  /** How long a newcomer would wait. */
  private waitMs(slot: number, now: number, cost: number): number {
    const { table, algorithm } = this;
    const queue = this.queues.of(slot);
    return (queue === undefined ? algorithm.availableAt(table.state, table.at(slot), now, cost) : queue.forecast(cost, now)) - now;
  }

  /** So many other keys are used that this one is forgotten. The newcomer has no slot yet, so nobody is told now. */
  private readonly evicted = (slot: number, key: string): void => {
    const queue = this.queues.of(slot);
    if (queue !== undefined) this.displaced = { key, waiters: queue.takeOut(() => true) };
  };

  private tellDisplaced(): void {
    const { displaced } = this;
    if (displaced === undefined) return;
    this.displaced = undefined;
    this.rejectAll(displaced, 'displaced');
  }

  /** All of them are out of the line already: whoever hears of the first one finds nobody waiting. */
  private rejectAll({ key, waiters }: TakenOut, reason: RateLimitReason): void {
    for (const waiter of waiters) {
      if (waiter.state === 'waiting') waiter.reject(this.reject(reason, waiter, key, waiter.cost, undefined).error);
    }
  }
}

/** One that lets everything pass: an operator has switched off what the name stands for. */
export function idleLimiter(name: string, environment: Environment): RateLimiter {
  const settings = { limit: 1, per: 1, burst: 1, algorithm: 'token-bucket', maxWait: 0, maxQueue: 0, maxKeys: 1, shared: false } as const;
  const idle = new LocalRateLimiter(name, settings, environment);
  idle.state = 'disabled';
  return idle;
}
