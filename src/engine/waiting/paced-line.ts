import type { TimerHandle } from '../clock.js';
import type { Environment } from '../environment.js';
import type { Waiter, WaitingPlace } from './waiter.js';
import { WaitingLine } from './waiting-line.js';

/** When places come free, and what it means to take one. */
export interface Pace {
  /** The earliest time, not before `from`, at which the first waiter can be served. */
  dueAt(cost: number, from: number): number;
  /** The first waiter is served at that time. */
  serve(cost: number, at: number): void;
  /** A forecast that nobody stands in yet. */
  forecast(now: number): Forecast;
  /** Nobody waits any more. */
  emptied(): void;
}

/** When waiters would be served, one after the other. */
export interface Forecast {
  /** When a further one of that cost would be served. */
  next(cost: number): number;
  /** One more of that cost stands in the line. */
  join(cost: number): void;
}

/**
 * A line in which each is served when its time has come, in order. One timer for the first waiter, however many wait;
 * who leaves lets those behind move up.
 */
export class PacedLine implements WaitingPlace {
  private readonly line = new WaitingLine();
  private timer: TimerHandle;
  private dueAt = 0;
  /** Kept while newcomers join; made anew after somebody has left. */
  private expected: Forecast | undefined;

  constructor(
    private readonly pace: Pace,
    private readonly environment: Environment,
  ) {}

  get size(): number {
    return this.line.size;
  }

  /** When a newcomer of that cost would be served. */
  forecast(cost: number, now: number): number {
    if (this.expected === undefined) {
      this.expected = this.pace.forecast(now);
      for (const waiter of this.line) this.expected.join(waiter.cost);
    }
    return this.expected.next(cost);
  }

  add(waiter: Waiter): void {
    this.line.add(waiter);
    this.expected?.join(waiter.cost);
    if (this.line.size === 1) this.schedule(this.environment.clock.now());
  }

  left(waiter: Waiter): void {
    const wasFirst = this.line.first === waiter;
    this.line.remove(waiter);
    this.expected = undefined;
    if (wasFirst) this.schedule(this.environment.clock.now());
  }

  /** Places come free faster or slower than so far. */
  paceChanged(): void {
    this.expected = undefined;
    this.schedule(this.environment.clock.now());
  }

  expired(): Error {
    throw new Error('a paced line sets no limit on a wait: it was forecast');
  }

  /** Turns everybody away. */
  close(error: (waiter: Waiter) => Error): void {
    for (let waiter = this.line.shift(); waiter !== undefined; waiter = this.line.shift()) waiter.refuse(error(waiter));
    this.schedule(0);
  }

  private schedule(now: number): void {
    const { clock } = this.environment;
    if (this.timer !== undefined) clock.clearTimer(this.timer);
    this.timer = undefined;
    const first = this.line.first;
    if (first === undefined) {
      this.pace.emptied();
      return;
    }
    this.dueAt = this.pace.dueAt(first.cost, now);
    this.timer = clock.setTimer(() => this.serveDue(), this.dueAt - now, true);
  }

  /** Serves by the times that were due, not by those at which the timer fired, so that a late timer does not slow the pace. */
  private serveDue(): void {
    const now = this.environment.clock.now();
    while (this.line.first !== undefined && this.dueAt <= now) {
      const waiter = this.line.shift()!;
      this.pace.serve(waiter.cost, this.dueAt);
      waiter.grant();
      if (this.line.first !== undefined) this.dueAt = this.pace.dueAt(this.line.first.cost, this.dueAt);
    }
    this.schedule(now);
  }
}
