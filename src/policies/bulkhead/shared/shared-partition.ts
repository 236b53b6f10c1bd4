import type { StoreFailureMode } from '../../../options/index.js';
import type { PermitRequest } from '../../../engine/contract/admission.js';
import type { Environment } from '../../../engine/environment.js';
import { Waiter } from '../../../engine/waiting/waiter.js';
import { BulkheadRejection, type BulkheadFullReason } from '../bulkhead.error.js';
import type { BulkheadEvents } from '../bulkhead.telemetry.js';
import { Askers } from './askers.js';
import type { PartitionLimits } from '../partition-limits.js';
import { BulkheadPartition } from '../partition.js';
import type { Claimant, PermitExchange } from './permit-exchange.js';
import type { PermitClaim, PermitGrant } from './permit-store.js';

/** How long a No is remembered where nobody stands in the line: newcomers are turned away without another question. */
const REMEMBERED_MS = 10;
/** So many permits are asked for at once, at most; the others follow with the next question. */
const MOST_WANTED = 1000;

/** What the parts of a shared bulkhead have in common. */
export interface Sharing {
  readonly exchange: PermitExchange;
  /** What happens to calls while the store does not answer. */
  readonly onStoreFailure: () => StoreFailureMode;
  /** By how many instances the permits are divided then. */
  readonly instances: () => number;
}

/**
 * The places of one key of a bulkhead that several instances share. The store decides who gets one; those who wait stand here.
 * Newcomers are *asking* until the store has answered once; those that it denies stand in the line, and while one stands there
 * newcomers do too.
 */
export class SharedPartition extends BulkheadPartition implements Claimant {
  readonly holder: string;
  private readonly asking: Askers;
  private sequence = 0;
  /** What the store counts as held here since its last answer; undefined where that is not known. */
  private reported: number | undefined = 0;
  /** When the claim was sent that was answered last: the lease counts from then. */
  private renewedAt = -Infinity;
  private othersWait = false;
  private fullUntil = -Infinity;
  /** The store does not answer. */
  private isAlone = false;
  private staleAnswers = 0;
  private isKeptInUse = false;
  /** Permits in use by all instances, as the store said last. */
  inUseByAll = 0;

  constructor(
    name: string,
    key: string | undefined,
    limits: PartitionLimits,
    environment: Environment,
    events: BulkheadEvents,
    inUse: ((used: boolean) => void) | undefined,
    private readonly sharing: Sharing,
  ) {
    super(name, key, limits, environment, events, inUse);
    this.holder = sharing.exchange.newHolder();
    this.asking = new Askers(environment.shutdown, () => this.rejectAll('shutdown'));
  }

  get isWaiting(): boolean {
    return this.line.size > 0;
  }

  get isUnsure(): boolean {
    return this.reported === undefined;
  }

  get isIdle(): boolean {
    return this.running === 0 && this.reported === 0 && this.line.size === 0 && this.asking.size === 0;
  }

  override admit(priority: number, asking: PermitRequest): BulkheadRejection | Waiter {
    const now = asking.now();
    if (this.line.size > 0 || now < this.fullUntil) {
      const admission = this.stand(priority, asking, undefined);
      if (admission instanceof Waiter) this.changed();
      return admission;
    }
    const reason = asking.mayWait === false ? 'decision' : 'queue';
    const waiter = new Waiter(this, priority, 1, this.limits.queueTimeout, asking.operationId, now, reason);
    this.asking.add(waiter);
    this.changed();
    return waiter;
  }

  override tryAcquire(): boolean {
    throw new TypeError(`Bulkhead "${this.name}" is shared: its store has to be asked, so use acquire() in place of tryAcquire()`);
  }

  /** While no other instance waits, a place goes from one call to the next here without a question. */
  override release(): undefined {
    this.ended++;
    this.fullUntil = -Infinity;
    if (this.line.size > 0 && this.mayHandOver()) this.grantNext();
    else this.changed();
  }

  override admitWaiting(): void {
    this.fullUntil = -Infinity;
    if (this.line.size > 0) this.changed();
  }

  override rejectAll(reason: 'shutdown' | 'displaced' | 'store'): void {
    const waiters = this.asking.all();
    for (const waiter of waiters) this.remove(waiter);
    super.rejectAll(reason);
    for (const waiter of waiters) if (waiter.state === 'waiting') waiter.reject(this.reject(reason, waiter.operationId).error);
    this.changed();
  }

  override left(waiter: Waiter): void {
    super.left(waiter);
    this.changed(); // others leave room for those who wait here
  }

  override expired(waiter: Waiter): Error {
    const error = super.expired(waiter);
    this.changed();
    return error;
  }

  claim(): PermitClaim {
    const wanted = Math.min(this.line.size + this.asking.size, MOST_WANTED);
    const room = this.environment.shutdown.isDraining ? 0 : Math.min(this.limits.maxQueue, this.asking.patient);
    const staying = Math.min(this.line.size + room, MOST_WANTED);
    return { ...this.lastClaim(), held: this.running, wanted, staying };
  }

  lastClaim(): PermitClaim {
    const { name, key, holder, limits } = this;
    return { name, key, holder, sequence: ++this.sequence, limit: limits.maxConcurrent, held: 0, wanted: 0, staying: 0 };
  }

  answered({ granted, inUse, othersWait }: PermitGrant, { held, wanted }: PermitClaim, ageMs: number): void {
    this.reported = held + granted;
    const now = this.environment.clock.now();
    this.renewedAt = now - ageMs;
    // What was granted so long ago may soon be another's: it goes back with the next claim, and is asked for anew.
    if (ageMs > this.sharing.exchange.leaseMs / 2) {
      this.staleAnswers++;
      if (this.staleAnswers > 1) this.decideAlone();
      this.changed();
      return;
    }
    this.staleAnswers = 0;
    this.isAlone = false;
    this.othersWait = othersWait;
    this.inUseByAll = inUse;
    this.grant(granted);
    if (granted < wanted) {
      this.fullUntil = now + REMEMBERED_MS;
      this.standAll();
    }
    if (this.running !== this.reported) this.changed();
    this.keepInUse();
  }

  unanswered(): void {
    this.reported = undefined;
    this.othersWait = false;
    this.decideAlone();
    this.keepInUse();
  }

  protected override remove(waiter: Waiter): void {
    this.asking.remove(waiter);
    super.remove(waiter);
  }

  protected override reject(reason: BulkheadFullReason, operationId: string | undefined): BulkheadRejection {
    this.countRejection(reason, operationId);
    const { name, key, running, line, environment, limits, isAlone, inUseByAll } = this;
    const here = running === inUseByAll ? '' : ` (${running} of them here)`;
    const whose = isAlone ? ' here, while the store does not answer' : ` by all instances${here}`;
    const inUse = isAlone ? running : inUseByAll;
    const limit = isAlone ? this.limitAlone() : limits.maxConcurrent;
    return new BulkheadRejection(operationId, name, environment.stackTraces, reason, key, inUse, limit, line.size, limits, whose);
  }

  private changed(): void {
    this.keepInUse();
    this.sharing.exchange.changed(this);
  }

  /** The permit that has come free is still this instance's, and nobody elsewhere has a better right to it. */
  private mayHandOver(): boolean {
    const { maxConcurrent } = this.limits;
    if (this.othersWait || this.reported === undefined || this.running >= this.reported) return false;
    const ageMs = this.environment.clock.now() - this.renewedAt;
    return this.inUseByAll <= maxConcurrent && this.running < maxConcurrent && ageMs <= this.sharing.exchange.leaseMs / 2;
  }

  /** Lets so many in: those in the line, or those that have just asked, by priority. */
  private grant(permits: number): void {
    let left = permits;
    for (; left > 0 && this.line.size > 0; left--) this.grantNext();
    for (const waiter of this.asking.first(left)) {
      this.remove(waiter);
      this.admitted++;
      waiter.grant();
    }
  }

  /** There is no place for those that have asked: they wait, or are turned away. */
  private standAll(): void {
    const { clock } = this.environment;
    for (const waiter of this.asking.all()) {
      if (!this.asking.has(waiter)) continue; // somebody who heard of another one has ended it
      this.remove(waiter);
      const mayWait = waiter.reason === 'queue';
      const admission = this.stand(waiter.priority, { mayWait, operationId: waiter.operationId, now: () => clock.now() }, waiter);
      if (admission instanceof BulkheadRejection) waiter.reject(admission.error);
    }
  }

  private decideAlone(): void {
    this.isAlone = true;
    if (this.sharing.onStoreFailure() === 'reject') {
      if (this.line.size + this.asking.size > 0) this.rejectAll('store');
      return;
    }
    this.grant(Math.max(0, this.limitAlone() - this.running));
    this.standAll();
  }

  /** How many may run here where nothing is known of the others: a share of the permits, which those that the store granted count in. */
  private limitAlone(): number {
    const mode = this.sharing.onStoreFailure();
    if (mode === 'allow') return Infinity;
    return Math.max(1, Math.floor(this.limits.maxConcurrent / this.sharing.instances()));
  }

  /** Keys in use, or waited for, are forgotten last. */
  private keepInUse(): void {
    const isUsed = this.running > 0 || this.line.size > 0 || this.asking.size > 0;
    if (isUsed === this.isKeptInUse) return;
    this.isKeptInUse = isUsed;
    this.inUse?.(isUsed);
  }
}
