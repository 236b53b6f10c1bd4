import type { TimerHandle } from '../clock.js';
import type { Environment } from '../environment.js';
import type { Waiter, WaiterOwner } from './waiter.js';
import { WaitQueue } from './wait-queue.js';

/** When permits come free, and what it means to take one. */
export interface Schedule {
  /** Only the sum of what the waiters cost says when a newcomer is served, not in which portions it comes. */
  readonly sumDecides: boolean;
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
  /** So many more of that cost stand in the line: O(1) for any number of them. */
  join(cost: number, times: number): void;
}

/** A forecast of different costs is made anew when one in so many of those that it counts with has left. */
const REFORECAST_SHARE = 8;

/**
 * A line in which each is served when its time has come, in order. One timer for the first waiter, however many wait;
 * who leaves lets those behind move up.
 */
export class ScheduledQueue implements WaiterOwner {
  private readonly line = new WaitQueue();
  private timer: TimerHandle;
  private dueAt = 0;
  /** How many wait, by cost. */
  private readonly counts = new Map<number, number>();
  private totalCost = 0;
  /** Where costs differ and their order matters: kept while newcomers join. */
  private expected: Forecast | undefined;
  /** How many `expected` counts with that have left. */
  private departed = 0;

  constructor(
    private readonly pace: Schedule,
    private readonly environment: Environment,
  ) {}

  get size(): number {
    return this.line.size;
  }

  /**
   * When a newcomer of that cost would be served: O(1), except where costs differ under a window. There it is amortised O(1),
   * because a forecast is kept until many have left, and may be later than the truth by their share.
   */
  forecast(cost: number, now: number): number {
    if (this.pace.sumDecides || this.counts.size <= 1) {
      this.expected = undefined;
      const forecast = this.pace.forecast(now);
      if (this.counts.size > 1) forecast.join(this.totalCost, 1);
      else for (const [each, times] of this.counts) forecast.join(each, times);
      return forecast.next(cost);
    }
    if (this.expected === undefined || this.departed * REFORECAST_SHARE > this.line.size) {
      this.departed = 0;
      this.expected = this.pace.forecast(now);
      for (const waiter of this.line) this.expected.join(waiter.cost, 1);
    }
    return this.expected.next(cost);
  }

  add(waiter: Waiter): void {
    this.line.add(waiter);
    this.counts.set(waiter.cost, (this.counts.get(waiter.cost) ?? 0) + 1);
    this.totalCost += waiter.cost;
    this.expected?.join(waiter.cost, 1);
    if (this.line.size === 1) this.schedule(this.environment.clock.now());
  }

  left(waiter: Waiter): void {
    if (waiter.lane === undefined) return; // taken out already, and about to be told
    const wasFirst = this.line.first === waiter;
    this.remove(waiter);
    this.departed++;
    if (wasFirst) this.schedule(this.environment.clock.now());
  }

  /** Permits come free faster or slower than so far. */
  paceChanged(): void {
    this.expected = undefined;
    this.schedule(this.environment.clock.now());
  }

  /** Takes out those that wait for what `never` says can not be had any more. */
  takeOut(never: (waiter: Waiter) => boolean): readonly Waiter[] {
    const taken = [...this.line].filter(never);
    for (const waiter of taken) this.remove(waiter);
    this.expected = undefined;
    this.schedule(this.environment.clock.now());
    return taken;
  }

  /** Takes out those whose turn comes after `end`. */
  takeOutAfter(end: number): readonly Waiter[] {
    const forecast = this.pace.forecast(this.environment.clock.now());
    return this.takeOut(({ cost }) => {
      const isLate = forecast.next(cost) > end;
      if (!isLate) forecast.join(cost, 1);
      return isLate;
    });
  }

  expired(): Error {
    throw new Error('a paced line sets no limit on a wait: it was forecast');
  }

  private remove(waiter: Waiter): void {
    this.line.remove(waiter);
    const others = this.counts.get(waiter.cost)! - 1;
    if (others === 0) this.counts.delete(waiter.cost);
    else this.counts.set(waiter.cost, others);
    // Sums of fractions drift; nobody waiting is a fresh start.
    this.totalCost = this.line.size === 0 ? 0 : this.totalCost - waiter.cost;
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
      const waiter = this.line.first;
      this.remove(waiter);
      this.pace.serve(waiter.cost, this.dueAt);
      waiter.grant();
      if (this.line.first !== undefined) this.dueAt = this.pace.dueAt(this.line.first.cost, this.dueAt);
    }
    this.schedule(now);
  }
}
