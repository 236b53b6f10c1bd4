import type { PermitRequest } from '../../engine/contract/admission.js';
import type { Environment } from '../../engine/environment.js';
import { Waiter, type WaiterOwner } from '../../engine/waiting/waiter.js';
import { WaitQueue } from '../../engine/waiting/wait-queue.js';
import { BulkheadRejection, type BulkheadFullReason } from './bulkhead.error.js';
import type { PartitionLimits } from './partition-limits.js';
import { AbandonedPermit } from './abandoned-permit.js';
import type { BulkheadEvents, PartitionCounts } from './bulkhead.telemetry.js';

/** The places of one key, and who waits for one. A place that comes free is handed over, never put up for grabs. */
export class BulkheadPartition implements WaiterOwner, PartitionCounts {
  admitted = 0;
  rejections = 0;
  timeouts = 0;
  released = 0;
  /** Calls that run on though their caller was answered. */
  abandoned = 0;
  /** Those that have given their place back: counting them and not those that run leaves one number to change at each end. */
  protected ended = 0;
  protected readonly line = new WaitQueue();
  /** Where its counts go too, since its key is known no more. */
  private sums: PartitionCounts | undefined;
  /** While somebody waits, the application's shutdown must know. */
  private forgetClose: () => void = () => undefined;

  constructor(
    readonly name: string,
    readonly key: string | undefined,
    protected readonly limits: PartitionLimits,
    protected readonly environment: Environment,
    private readonly events: BulkheadEvents,
    /** Told when the first place is taken and when the last one is given back. */
    protected readonly inUse: ((used: boolean) => void) | undefined,
  ) {}

  get running(): number {
    return this.admitted - this.ended;
  }

  get queued(): number {
    return this.line.size;
  }

  /** Takes a place (undefined), or stands in the line, or is turned away. */
  admit(priority: number, asking: PermitRequest): BulkheadRejection | Waiter | undefined {
    // With waiters in the line there is no free place: whoever gives one back hands it to them.
    if (this.running < this.limits.maxConcurrent) {
      this.take();
      return undefined;
    }
    return this.stand(priority, asking, undefined);
  }

  /** Takes a place if one is free. */
  tryAcquire(): boolean {
    const free = this.running < this.limits.maxConcurrent;
    if (free) this.take();
    return free;
  }

  /** Gives a place back: to the next waiter, where the limit still allows that many. */
  release(): undefined {
    if (this.line.size > 0 && this.running <= this.limits.maxConcurrent) {
      this.ended++;
      this.grantNext();
      return;
    }
    this.ended++;
    if (this.running === 0 && this.inUse !== undefined) this.inUse(false);
  }

  /** The limit may have grown: lets waiters in. */
  admitWaiting(): void {
    while (this.running < this.limits.maxConcurrent && this.line.size > 0) this.grantNext();
  }

  left(waiter: Waiter): void {
    this.remove(waiter);
  }

  expired(waiter: Waiter): Error {
    this.remove(waiter);
    return this.reject('queue-timeout', waiter.operationId).error;
  }

  /** Turns away everybody who waits: the application shuts down, or so many keys are in use that this one must go. */
  rejectAll(reason: 'shutdown' | 'displaced' | 'store'): void {
    const waiters: Waiter[] = [];
    while (this.line.size > 0) waiters.push(this.next());
    for (const waiter of waiters) {
      if (waiter.state === 'waiting') waiter.reject(this.reject(reason, waiter.operationId).error);
    }
  }

  /** The caller of a running call has been answered; gives what is to be done when its method settles. */
  abandon(operationId: string | undefined): () => void {
    const permit = new AbandonedPermit(this, operationId);
    const { releaseAfter } = this.limits;
    if (releaseAfter !== undefined) permit.releaseAfter(releaseAfter, this.environment);
    return () => permit.end();
  }

  /** A call that was answered long ago still runs: its place goes to another one. */
  releaseAbandoned(operationId: string | undefined, answeredMsAgo: number): void {
    this.released++;
    if (this.sums !== undefined) this.sums.released++;
    this.release();
    this.events.released(operationId, this, answeredMsAgo);
  }

  /** Its key is known no more: what it counted so far goes to the bulkhead's sums, and what comes later too. */
  retire(sums: PartitionCounts): void {
    for (const what of ['admitted', 'rejections', 'timeouts', 'released'] as const) sums[what] += this[what];
    this.sums = sums;
  }

  /** There is no free place: stands in the line, where there is room or somebody makes room, or is turned away. */
  protected stand(priority: number, asking: PermitRequest, known: Waiter | undefined): BulkheadRejection | Waiter {
    if (this.environment.shutdown.isDraining && this.limits.maxQueue > 0) return this.reject('shutdown', asking.operationId);
    const isFull = asking.mayWait === false || this.line.size >= this.limits.maxQueue;
    const victim = isFull && asking.mayWait !== false ? this.evictFor(priority) : undefined;
    if (isFull && victim === undefined) return this.reject('capacity', asking.operationId);
    const waiter = known ?? new Waiter(this, priority, 1, this.limits.queueTimeout, asking.operationId, asking.now());
    if (this.line.size === 0)
      this.forgetClose = this.environment.shutdown.registerWaiter((end) => end === undefined && this.rejectAll('shutdown'));
    this.line.add(waiter);
    // Told when the change is complete: whoever hears of it may ask for a place too.
    if (victim !== undefined) victim.reject(this.reject('displaced', victim.operationId).error);
    this.events.queued(asking.operationId, this);
    return waiter;
  }

  /** Hands a place to the next waiter. */
  protected grantNext(): void {
    const waiter = this.next();
    this.admitted++;
    waiter.grant();
    this.limits.queueTimes?.record(this.environment.clock.now() - waiter.since);
  }

  private next(): Waiter {
    const waiter = this.line.first!;
    this.remove(waiter);
    return waiter;
  }

  protected remove(waiter: Waiter): void {
    this.line.remove(waiter);
    if (this.line.size === 0) this.forgetClose();
  }

  private take(): void {
    this.admitted++;
    if (this.running === 1 && this.inUse !== undefined) this.inUse(true);
  }

  /** Takes out who makes room for a newcomer of that priority, where somebody has to. */
  protected evictFor(priority: number): Waiter | undefined {
    const victim = this.line.evictionCandidate;
    if (this.limits.overflow !== 'drop-oldest' || victim === undefined || victim.priority > priority) return undefined;
    this.remove(victim);
    return victim;
  }

  countRejection(reason: BulkheadFullReason, operationId: string | undefined): void {
    for (const counts of this.sums === undefined ? [this] : [this, this.sums]) {
      counts.rejections++;
      if (reason === 'queue-timeout') counts.timeouts++;
    }
    this.events.rejected(operationId, this, reason);
  }

  protected reject(reason: BulkheadFullReason, operationId: string | undefined): BulkheadRejection {
    this.countRejection(reason, operationId);
    const { name, key, running, line, environment, limits } = this;
    const { maxConcurrent } = limits;
    return new BulkheadRejection(operationId, name, environment.stackTraces, reason, key, running, maxConcurrent, line.size, limits);
  }
}
