import type { PermitRequest } from '../../../../engine/contract/admission.js';
import type { WaiterOwner } from '../../../../engine/waiting/waiter.js';
import type { RateLimitRejection } from '../../rate-limit.error.js';
import { Agenda, ROUNDING_MS } from '../agenda.js';
import { LeaseBatches } from './lease-batches.js';
import { KeyLease, type Batch, type LeaseOwner } from './key-lease.js';
import { LeaseTable } from './lease-table.js';
import type { PermitAnswer } from '../limit-store.js';
import { PermitTurn } from '../permit-turn.js';
import type { SharedLimiter } from '../shared-limiter.js';

/** After a denial the store is asked again after so long at the latest. */
const LONGEST_PAUSE_MS = 1000;

/** Permits that an instance takes in batches and spends by itself. */
export class LeasedPermits implements WaiterOwner, LeaseOwner {
  private readonly leases: LeaseTable;
  private readonly batches: LeaseBatches;
  /** Keys with a line, for which nothing is asked before a time. */
  private readonly pauses: Agenda<KeyLease>;
  private forgetShutdown: (() => void) | undefined;
  private waitingCount = 0;

  constructor(private readonly limiter: SharedLimiter) {
    const { environment, settings } = limiter;
    this.leases = new LeaseTable(settings.maxKeys, environment.clock, (key, now) => new KeyLease(this, key, now), this.evicted);
    this.batches = new LeaseBatches(limiter, (lease) => this.leases.forgetIdle(lease));
    this.pauses = new Agenda<KeyLease>(environment, true, (lease) => this.fetch(lease));
  }

  get waiting(): number {
    return this.waitingCount;
  }

  get keyCount(): number {
    return this.leases.size;
  }

  /** What of a key is left here. */
  leftOf(key: string | undefined): number {
    return this.leases.find(key)?.left(this.limiter.environment.clock.now()) ?? 0;
  }

  /** The most that a batch holds, and so the most that a call may cost to be served from one. */
  get largestBatch(): number {
    return Math.max(1, Math.floor(this.limiter.settings.limit / 10));
  }

  /** From what is here, without waiting; where that is not enough, a batch is fetched for the next one who asks. */
  spendNow(key: string | undefined, cost: number): boolean {
    const now = this.limiter.environment.clock.now();
    const lease = this.leases.obtain(key, now);
    lease.want(cost);
    const isServed = lease.line.size === 0 && lease.spend(cost, now);
    if ((!isServed || lease.isLow(now)) && now >= lease.dueAt) this.fetch(lease);
    return isServed;
  }

  admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | PermitTurn | undefined {
    const { limiter } = this;
    const { settings } = limiter;
    const now = asking.now();
    const lease = this.leases.obtain(key, now);
    lease.want(cost);
    if (lease.line.size === 0 && lease.spend(cost, now)) {
      limiter.allowed++;
      if (lease.isLow(now) && now >= lease.dueAt) this.fetch(lease);
      return undefined;
    }
    const isPaused = now < lease.dueAt;
    const mayWait = asking.mayWait !== false && settings.maxWait > 0;
    if (isPaused && !(mayWait && settings.maxWait >= lease.dueAt - now))
      return limiter.reject('limit', asking, key, cost, Math.max(lease.retryAt, lease.dueAt) - now);
    if (lease.line.size >= settings.maxQueue) return limiter.reject('limit', asking, key, cost, undefined);
    const turn = new PermitTurn(this, key, cost, undefined, asking.operationId, now, mayWait);
    lease.join(turn);
    this.waitingCount++;
    this.watchShutdown();
    if (!isPaused) this.fetch(lease);
    else this.pause(lease);
    if (isPaused) limiter.events.delayed(turn, lease.dueAt - now);
    return turn;
  }

  /** A permit that was spent a moment ago was for nothing; false where its batch is gone. */
  giveBack(key: string | undefined, cost: number): boolean {
    const batch = this.leases.find(key)?.batches[0];
    if (batch === undefined || batch.dueAt <= this.limiter.environment.clock.now()) return false;
    batch.left += cost;
    return true;
  }

  /** Everything that is unused goes back. */
  giveBackAll(): void {
    this.batches.giveBackAll();
    this.limiter.calls.flush();
  }

  /** How much the store is asked for: what those want that wait, and what will be wanted in the time of a batch. */
  batchSize(lease: KeyLease): number {
    const now = this.limiter.environment.clock.now();
    const expected = lease.expected(this.batches.longestMs, now);
    const room = this.largestBatch - Math.floor(lease.left(now));
    return Math.max(1, Math.ceil(lease.queued), Math.min(room, expected));
  }

  answered(lease: KeyLease, answer: PermitAnswer, sentAt: number): void {
    const { limiter } = this;
    const now = limiter.environment.clock.now();
    limiter.standings.note(lease.key, answer, now);
    if (answer.granted > 0) {
      const batch = this.batches.take(lease, answer, sentAt);
      this.serve(lease, batch, now);
      this.batches.keep(batch, now);
    }
    const isShort = answer.granted < lease.wanted;
    if (isShort) {
      lease.dueAt = now + Math.min(Math.max(answer.retryAfterMs, this.batches.longestMs / 4), LONGEST_PAUSE_MS);
      lease.retryAt = now + answer.retryAfterMs;
      this.rejectImpatient(lease, now);
    }
    if (lease.line.size === 0) return;
    if (isShort) this.pause(lease);
    else this.fetch(lease);
  }

  failed(lease: KeyLease): void {
    for (const turn of [...lease.line] as PermitTurn[]) {
      this.remove(lease, turn);
      this.limiter.decideAlone(turn);
    }
  }

  left(turn: PermitTurn): void {
    turn.standIn?.leave();
    const lease = this.leases.find(turn.key);
    if (lease !== undefined) this.remove(lease, turn);
  }

  expired(): Error {
    throw new Error('a turn of a shared limit ends by the answer of its store');
  }

  /** The rate is another one. */
  limitChanged(): void {
    const { limiter } = this;
    for (const lease of this.leases) {
      lease.retryAt = 0;
      for (const turn of [...lease.line] as PermitTurn[]) {
        if (turn.cost <= limiter.capacity) continue;
        this.remove(lease, turn);
        turn.reject(limiter.reject('cost', turn, turn.key, turn.cost, undefined).error);
      }
    }
  }

  /** Who waits for a batch has of it also where its answer came too late to keep the rest: that much is decided. */
  private serve(lease: KeyLease, batch: Batch, now: number): void {
    const moment = Math.min(now, batch.dueAt - ROUNDING_MS);
    for (let first = lease.line.first as PermitTurn | undefined; first !== undefined; first = lease.line.first as PermitTurn | undefined) {
      if (!lease.spend(first.cost, moment)) return;
      this.remove(lease, first);
      first.stamp = batch.stamp;
      this.limiter.allowed++;
      first.grant();
    }
  }

  /** Those that would wait too long for the next question. */
  private rejectImpatient(lease: KeyLease, now: number): void {
    const { limiter } = this;
    const { maxWait } = limiter.settings;
    const reason = limiter.environment.shutdown.isDraining && maxWait > 0 ? 'shutdown' : 'limit';
    for (const turn of [...lease.line] as PermitTurn[]) {
      if (reason === 'limit' && turn.mayWait && turn.since + maxWait >= lease.dueAt) continue;
      this.remove(lease, turn);
      const retryAfterMs = reason === 'limit' ? Math.max(lease.retryAt, lease.dueAt) - now : undefined;
      turn.reject(limiter.reject(reason, turn, turn.key, turn.cost, retryAfterMs).error);
    }
  }

  private fetch(lease: KeyLease): void {
    if (lease.isAsking) return;
    this.pauses.remove(lease);
    lease.isAsking = true;
    this.leases.used(lease);
    this.limiter.calls.ask(lease);
  }

  private pause(lease: KeyLease): void {
    if (!lease.isAsking && !this.pauses.has(lease)) this.pauses.add(lease);
  }

  /** So many other keys are in use that this one is forgotten. */
  private readonly evicted = (lease: KeyLease): void => {
    const { limiter } = this;
    this.pauses.remove(lease);
    this.batches.giveBackOf(lease);
    for (const turn of [...lease.line] as PermitTurn[]) {
      this.remove(lease, turn);
      turn.reject(limiter.reject('displaced', turn, turn.key, turn.cost, undefined).error);
    }
  };

  private remove(lease: KeyLease, turn: PermitTurn): void {
    if (!lease.leave(turn)) return;
    this.waitingCount--;
    if (lease.line.size === 0) this.pauses.remove(lease);
    if (this.waitingCount > 0) return;
    this.forgetShutdown?.();
    this.forgetShutdown = undefined;
  }

  private watchShutdown(): void {
    const { limiter } = this;
    this.forgetShutdown ??= limiter.environment.shutdown.registerWaiter((end) => {
      for (const lease of this.leases) {
        if (end !== undefined && lease.dueAt <= end) continue;
        for (const turn of [...lease.line] as PermitTurn[]) {
          this.remove(lease, turn);
          turn.reject(limiter.reject('shutdown', turn, turn.key, turn.cost, undefined).error);
        }
      }
    });
  }
}
