import type { Environment } from '../../engine/environment.js';
import type { Distribution } from '../../engine/telemetry/timings.js';
import { Waiter, type WaitingPlace } from '../../engine/waiting/waiter.js';
import { WaitingLine } from '../../engine/waiting/waiting-line.js';
import { BulkheadFullError, type BulkheadFullReason } from './bulkhead.error.js';
import type { BulkheadEvents } from './bulkhead.telemetry.js';

/** What the compartments of a bulkhead share. The limits can change while calls run. */
export interface CompartmentLimits {
  maxConcurrent: number;
  readonly maxQueue: number;
  readonly queueTimeout?: number;
  readonly overflow: 'reject' | 'drop-oldest';
  /** How long waiters waited, where somebody wants to know. */
  queueTimes?: Distribution | undefined;
}

/** Who asks for a place. */
interface Asking {
  now(): number;
  readonly operationId?: string | undefined;
}

/** The places of one key, and who waits for one. A place that comes free is handed over, never put up for grabs. */
export class Compartment implements WaitingPlace {
  /** Calls since the start: that got a place, that got none, and that waited for one too long. */
  admitted = 0;
  rejections = 0;
  timeouts = 0;
  /** Those that have given their place back: counting them and not those that run leaves one number to change at each end. */
  private ended = 0;
  private readonly line = new WaitingLine();
  /** While somebody waits, the application's shutdown must know. */
  private forgetClose: () => void = () => undefined;

  constructor(
    readonly name: string,
    readonly key: string | undefined,
    private readonly limits: CompartmentLimits,
    private readonly environment: Environment,
    private readonly events: BulkheadEvents,
    /** Told when the first place is taken and when the last one is given back. */
    private readonly inUse: ((used: boolean) => void) | undefined,
  ) {}

  get running(): number {
    return this.admitted - this.ended;
  }

  get queued(): number {
    return this.line.size;
  }

  /** Takes a place (undefined), or stands in the line, or is turned away. */
  admit(priority: number, asking: Asking): BulkheadFullError | Waiter | undefined {
    // With waiters in the line there is no free place: whoever gives one back hands it to them.
    if (this.running < this.limits.maxConcurrent) {
      this.take();
      return undefined;
    }
    if (this.limits.maxQueue === 0 || (this.line.size >= this.limits.maxQueue && !this.makeRoom(priority))) {
      return this.refuse('capacity', asking.operationId);
    }
    if (this.environment.shutdown.isDraining) return this.refuse('shutdown', asking.operationId);
    const waiter = new Waiter(this, priority, 1, this.limits.queueTimeout, asking.operationId, asking.now());
    if (this.line.size === 0) this.forgetClose = this.environment.shutdown.waiting(() => this.dismiss('shutdown'));
    this.line.add(waiter);
    this.events.queued(asking.operationId, this);
    return waiter;
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
    while (this.running < this.limits.maxConcurrent && this.line.size > 0) {
      this.grantNext();
    }
  }

  left(waiter: Waiter): void {
    this.remove(waiter);
  }

  expired(waiter: Waiter): Error {
    this.remove(waiter);
    return this.refuse('queue-timeout', waiter.operationId);
  }

  /** Turns away everybody who waits: the application shuts down, or so many keys are in use that this one must go. */
  dismiss(reason: 'shutdown' | 'displaced'): void {
    while (this.line.size > 0) {
      const waiter = this.next();
      waiter.refuse(this.refuse(reason, waiter.operationId));
    }
  }

  /** Hands a place to the next waiter. */
  private grantNext(): void {
    const waiter = this.next();
    this.admitted++;
    this.limits.queueTimes?.record(this.environment.clock.now() - waiter.since);
    waiter.grant();
  }

  private next(): Waiter {
    const waiter = this.line.first!;
    this.remove(waiter);
    return waiter;
  }

  private remove(waiter: Waiter): void {
    this.line.remove(waiter);
    if (this.line.size === 0) this.forgetClose();
  }

  private take(): void {
    this.admitted++;
    if (this.running === 1 && this.inUse !== undefined) this.inUse(true);
  }

  private makeRoom(priority: number): boolean {
    const victim = this.line.mostDispensable;
    if (this.limits.overflow !== 'drop-oldest' || victim === undefined || victim.priority > priority) return false;
    this.remove(victim);
    victim.refuse(this.refuse('displaced', victim.operationId));
    return true;
  }

  private refuse(reason: BulkheadFullReason, operationId: string | undefined): BulkheadFullError {
    if (reason === 'queue-timeout') this.timeouts++;
    else this.rejections++;
    this.events.rejected(operationId, this, reason);
    const shownKey = this.key === undefined ? '' : ` for key ${JSON.stringify(this.key)}`;
    const { maxConcurrent, maxQueue, queueTimeout } = this.limits;
    const why = {
      capacity: `${this.running} of ${maxConcurrent} places in use, ${this.line.size} of ${maxQueue} waiting`,
      'queue-timeout': `no place within ${queueTimeout} ms`,
      displaced: 'made room in the queue for another call',
      shutdown: 'the application shuts down',
    }[reason];
    return new BulkheadFullError(`Bulkhead "${this.name}"${shownKey}: ${why}`, reason, {
      operationId,
      policyName: this.name,
      withStack: this.environment.stackTraces,
    });
  }
}
