import type { PermitRequest } from '../../engine/contract/admission.js';
import type { Environment } from '../../engine/environment.js';
import { keyText } from '../../engine/state/key-text.js';
import { INSPECT, type Inspect } from '../../engine/telemetry/inspect.js';
import type { ScheduledQueue } from '../../engine/waiting/scheduled-queue.js';
import { Waiter, waitTurn } from '../../engine/waiting/waiter.js';
import type { DataOf, Key } from '../../options/index.js';
import type { Algorithm } from './counting/algorithm.js';
import { algorithmOf } from './counting/algorithms.js';
import { checkCost } from './cost.js';
import { FrequentKeys } from './frequent-keys.js';
import { PermitQueues, type TakenOut } from './permit-queues.js';
import { COMMON, PermitTable } from './permit-table.js';
import { RateLimitRejection, type RateLimitReason } from './rate-limit.error.js';
import type { rateLimitRules } from './rate-limit.policy.js';
import { RateLimitEvents, type Requester } from './rate-limit.telemetry.js';
import { limitsOf, type Limits } from './rejection-message.js';

/** What a limiter is; `maxWait` and `maxQueue` are Infinity where they bound nothing. */
export type RateLimiterSettings = Required<DataOf<typeof rateLimitRules>>;

/** The state of a key that was never used, in every way of counting. */
const UNUSED = new Float64Array(4);

/** What is left of a limit. */
export interface RateLimitStatus {
  /** Permits that could be taken now. */
  readonly remaining: number;
  /** Milliseconds until all permits are back. */
  readonly resetAfterMs: number;
}

/** Which limit, and how much of it. */
export interface RateLimitRequest {
  readonly key?: Key;
  /** @default 1 */
  readonly cost?: number;
}

/** A named rate limiter, with one limit for each key and a common one. */
export class RateLimiter {
  /** Disabled where an operator has switched it off: it lets everything pass. */
  state: 'enabled' | 'disabled' = 'enabled';
  /** Requests that got their permits and that were rejected, all keys together. */
  allowed = 0;
  rejections = 0;
  /** @internal The keys that are rejected most. */
  readonly rejectedKeys = new FrequentKeys();
  private algorithm: Algorithm;
  private readonly table: PermitTable;
  private readonly queues: PermitQueues;
  /** Who waited for a key that was just forgotten: to be told when the newcomer has what it asked for. */
  private displaced: TakenOut | undefined;
  private readonly events: RateLimitEvents;
  /** What its rejections tell of it. */
  private limits: Limits;

  /** @internal */
  constructor(
    readonly name: string,
    /** @internal */
    public settings: RateLimiterSettings,
    private readonly environment: Environment,
  ) {
    const { limit, per, burst, algorithm, maxKeys } = settings;
    this.algorithm = algorithmOf(algorithm, { limit, perMs: per, burst });
    this.table = new PermitTable(this.algorithm, maxKeys, this.evicted, environment.clock);
    this.queues = new PermitQueues(
      this.table,
      environment,
      () => this.allowed++,
      (taken) => this.rejectAll(taken, 'shutdown'),
    );
    this.events = new RateLimitEvents(environment.events, name);
    this.limits = limitsOf(name, this.algorithm.capacity, settings);
  }

  /** @internal One that lets everything pass: an operator has switched off what the name stands for. */
  static idle(name: string, environment: Environment): RateLimiter {
    const settings = { limit: 1, per: 1, burst: 1, algorithm: 'token-bucket', maxWait: 0, maxQueue: 0, maxKeys: 1 } as const;
    const idle = new RateLimiter(name, settings, environment);
    idle.state = 'disabled';
    return idle;
  }

  /** What can be seen of it now; the limit is that of the common key. `JSON.stringify` and `console.log` show this. */
  toJSON(): object {
    const { name, state, allowed, rejections, waiting, keyCount } = this;
    return { name, state, ...this.peek(), allowed, rejections, waiting, keyCount };
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    return `RateLimiter ${inspect(this.toJSON(), options)}`;
  }

  /** How many keys are known. */
  get keyCount(): number {
    return this.table.keyCount;
  }

  /** How many wait for a permit, all keys together. */
  get waiting(): number {
    return this.queues.size;
  }

  /**
   * Takes a permit if there is one now; a request without one counts as rejected.
   * @throws TypeError for a cost that is not a number >= 0, or a key that has no text.
   */
  tryAcquire(request: RateLimitRequest = {}): boolean {
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

  /**
   * Takes a permit, after waiting for up to `maxWait`.
   * @throws RateLimitExceededError where there is none in time; the reason of `signal` where the caller aborts; TypeError for a
   * cost that is not a number >= 0, or a key that has no text.
   */
  async acquire({ signal, ...request }: RateLimitRequest & { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    const { key, cost } = this.read(request);
    if (this.state === 'disabled') return;
    const admission = this.admit(key, cost, this.environment.clock);
    if (admission instanceof RateLimitRejection) throw admission.error;
    if (admission === undefined) return;
    await waitTurn(
      admission,
      () => undefined,
      signal,
      () => this.giveBack(key, cost),
    );
  }

  /** What is left, without using any of it up. */
  peek(key?: Key): RateLimitStatus {
    if (this.state === 'disabled') return { remaining: Infinity, resetAfterMs: 0 };
    const slot = this.table.find(this.textOf(key));
    const now = this.environment.clock.now();
    const [state, at] = slot === undefined ? [UNUSED, 0] : [this.table.state, this.table.at(slot)];
    return {
      remaining: slot !== undefined && this.queues.of(slot) !== undefined ? 0 : this.algorithm.remaining(state, at, now),
      resetAfterMs: this.algorithm.resetAfterMs(state, at, now),
    };
  }

  /** @internal Some of the keys, in the order in which they came first. */
  someKeys(offset: number, limit: number): readonly string[] {
    return this.table.someKeys(offset, limit);
  }

  /**
   * @internal Another rate from now on. What is used up stays used up, who waits moves up or back, and who waits for
   * more than there is now is rejected.
   */
  reconfigure(settings: RateLimiterSettings): void {
    const { limit, per, burst, algorithm } = settings;
    const { limit: oldLimit, per: oldPer, burst: oldBurst } = this.settings;
    this.algorithm = algorithmOf(algorithm, { limit, perMs: per, burst });
    this.table.countBy(this.algorithm, { limit: oldLimit, perMs: oldPer, burst: oldBurst }, this.environment.clock.now());
    this.settings = settings;
    this.limits = limitsOf(this.name, this.algorithm.capacity, settings);
    for (const taken of this.queues.paceChanged()) this.rejectAll(taken, 'cost');
  }

  /** @internal A permit now (undefined), a turn to wait for, or the rejection. */
  admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    // Most calls have no key and find nobody waiting; nothing of theirs can displace anybody.
    if (key === undefined && this.queues.isEmpty && cost <= this.algorithm.capacity) {
      const now = asking.now();
      return this.takeNow(COMMON, now, cost) ? undefined : this.waitOrReject(COMMON, undefined, now, key, cost, asking);
    }
    const admission = this.decide(key, cost, asking);
    if (this.displaced !== undefined) this.tellDisplaced();
    return admission;
  }

  /** @internal A permit that was taken a moment ago was for nothing. */
  giveBack(key: string | undefined, cost: number): void {
    const slot = this.table.find(key);
    if (slot === undefined) return;
    this.allowed--;
    this.algorithm.giveBack(this.table.state, this.table.at(slot), cost);
    this.queues.of(slot)?.paceChanged();
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

  /** What a caller by hand asks for. */
  private read({ key, cost = 1 }: RateLimitRequest): { readonly key: string | undefined; readonly cost: number } {
    return { key: this.textOf(key), cost: checkCost(cost, `rate limiter "${this.name}": cost must be`) };
  }

  private textOf(key: Key): string | undefined {
    return keyText(key, `the key for rate limiter "${this.name}"`);
  }

  private countRejection(reason: RateLimitReason, requester: Requester, retryAfterMs: number | undefined): void {
    this.rejections++;
    if (requester.key !== undefined) this.rejectedKeys.count(requester.key);
    this.events.rejected(requester, reason, retryAfterMs);
  }

  private reject(
    reason: RateLimitReason,
    { operationId }: { readonly operationId?: string | undefined },
    key: string | undefined,
    cost: number,
    retryAfterMs: number | undefined,
  ): RateLimitRejection {
    const rejection = new RateLimitRejection(operationId, this.environment.stackTraces, retryAfterMs, reason, key, cost, this.limits);
    this.countRejection(reason, rejection, retryAfterMs);
    return rejection;
  }
}
