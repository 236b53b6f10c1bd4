import { WaitQueue } from '../../../../engine/waiting/wait-queue.js';
import type { Dated } from '../agenda.js';
import type { PermitAnswer } from '../limit-store.js';
import type { PermitTurn } from '../permit-turn.js';
import type { Question } from '../store-calls.js';

/** Who fetches batches. */
export interface LeaseOwner {
  /** How much the store is to be asked for. */
  batchSize(lease: KeyLease): number;
  answered(lease: KeyLease, answer: PermitAnswer, sentAt: number): void;
  failed(lease: KeyLease): void;
}

/** Permits that the store has given to this instance, to be spent within a time. */
export interface Batch extends Dated {
  readonly lease: KeyLease;
  readonly dueAt: number;
  readonly stamp: number;
  /** With so many left, or from this time on, the next batch is asked for. */
  readonly low: number;
  readonly renewAt: number;
  left: number;
}

/** What this instance has of one key: at most two batches, the older one spent first, and who waits for the next. */
export class KeyLease implements Question, Dated {
  readonly cost = 1;
  readonly mayWait = false;
  readonly batches: Batch[] = [];
  readonly line = new WaitQueue();
  /** What those in the line want, in permits. */
  queued = 0;
  /** The store was asked, or is about to be. */
  isAsking = false;
  /** What was asked for. */
  wanted = 0;
  /** After a denial it is not asked before this. */
  dueAt = 0;
  /** When there are permits again, as far as is known. */
  retryAt = 0;
  /** Permits a millisecond, as observed. */
  private rate = 0;
  private demand = 0;
  private observedSince: number;

  constructor(
    private readonly owner: LeaseOwner,
    readonly key: string | undefined,
    now: number,
  ) {
    this.observedSince = now;
  }

  /** Whether there is nothing to remember of it. */
  isIdle(now: number): boolean {
    return this.batches.length === 0 && this.line.size === 0 && !this.isAsking && this.dueAt <= now;
  }

  /** So much is wanted: what the next batch is measured by. */
  want(cost: number): void {
    this.demand += cost;
  }

  left(now: number): number {
    let left = 0;
    for (const batch of this.batches) if (batch.dueAt > now) left += batch.left;
    return left;
  }

  /** Spends permits, where there are as many. */
  spend(cost: number, now: number): boolean {
    const first = this.batches[0];
    if (first !== undefined && first.left >= cost && first.dueAt > now) {
      first.left -= cost;
      return true;
    }
    if (this.left(now) < cost) return false;
    let rest = cost;
    for (const batch of this.batches) {
      if (batch.dueAt <= now) continue;
      const part = Math.min(batch.left, rest);
      batch.left -= part;
      rest -= part;
    }
    if (this.batches.length > 1 && this.batches[0]!.left === 0) this.batches.shift();
    return true;
  }

  /** Whether the next batch had better be fetched. */
  isLow(now: number): boolean {
    const [first, second] = this.batches;
    return second === undefined && (first === undefined || first.left <= first.low || now >= first.renewAt);
  }

  join(turn: PermitTurn): void {
    this.line.add(turn);
    this.queued += turn.cost;
  }

  leave(turn: PermitTurn): boolean {
    if (turn.lane === undefined) return false;
    this.line.remove(turn);
    this.queued = this.line.size === 0 ? 0 : this.queued - turn.cost;
    return true;
  }

  /** How much is wanted for the next time, by what was wanted since the last question. */
  expected(durationMs: number, now: number): number {
    const span = Math.max(now - this.observedSince, durationMs / 4);
    const observed = this.demand / span;
    this.rate = this.rate === 0 ? observed : (this.rate + observed) / 2;
    this.demand = 0;
    this.observedSince = now;
    return Math.ceil(this.rate * durationMs);
  }

  times(): number {
    this.wanted = this.owner.batchSize(this);
    return this.wanted;
  }

  answered(answer: PermitAnswer, sentAt: number): void {
    this.isAsking = false;
    this.owner.answered(this, answer, sentAt);
  }

  failed(): void {
    this.isAsking = false;
    this.owner.failed(this);
  }
}
