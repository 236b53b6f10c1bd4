import { systemClock } from '../../../engine/clock.js';
import { Deadline, type TimerQueue } from '../../../engine/waiting/timer-queue.js';
import { StoreTimeoutError } from './store.error.js';

/** A timer that comes later than this was held up by our own event loop, and not by the store. */
const HELD_UP_MS = 5;

/** A command that waits for its answer, for so long and no longer. */
export class PendingCommand {
  readonly promise: Promise<unknown>;
  isPending = true;
  /** By our clock: nobody waits for an answer after that. */
  dueAt: number;
  private resolve!: (reply: unknown) => void;
  private reject!: (error: unknown) => void;
  private readonly deadline = new Deadline(this, 0);
  private hasGrace = true;

  constructor(
    private readonly name: string,
    private readonly timeoutMs: number,
    private readonly timers: TimerQueue,
    /** Told once, before whoever waits for the answer. */
    private readonly ended: (command: PendingCommand, error: unknown) => void,
  ) {
    this.promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    const now = systemClock.now();
    this.dueAt = now + timeoutMs;
    timers.arm(this.deadline, timeoutMs, now);
  }

  answered(reply: unknown): void {
    if (this.end(undefined)) this.resolve(reply);
  }

  failed(error: unknown): void {
    if (this.end(error)) this.reject(error);
  }

  /** It has its time once more, and only once: it came too late for a reason that lies with us. */
  extend(): boolean {
    if (!this.isPending || !this.hasGrace) return false;
    this.hasGrace = false;
    this.timers.disarm(this.deadline);
    const now = systemClock.now();
    this.dueAt = now + this.timeoutMs;
    this.timers.arm(this.deadline, this.timeoutMs, now);
    return true;
  }

  /**
   * Its time is over. What has arrived meanwhile is read first: an event loop that was blocked would otherwise find the answers
   * of a healthy store too late. One that was blocked for long may even have kept the question back.
   */
  expired(): void {
    const heldUp = systemClock.now() - this.dueAt > HELD_UP_MS;
    setImmediate(() => {
      // What arrived may have given it its time once more.
      if (!this.isPending || this.deadline.list !== undefined) return;
      if (heldUp && this.extend()) return;
      this.failed(new StoreTimeoutError(`${this.name}: no answer of the store in ${this.timeoutMs} ms`, {}));
    });
  }

  private end(error: unknown): boolean {
    if (!this.isPending) return false;
    this.isPending = false;
    this.timers.disarm(this.deadline);
    this.ended(this, error);
    return true;
  }
}
