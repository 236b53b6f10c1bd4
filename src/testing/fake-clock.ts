import type { Clock, TimerHandle } from '../engine/clock.js';
import { parseDuration, formatValue, type Duration } from '../options/index.js';

interface FakeTimer {
  readonly callback: () => void;
  readonly dueAt: number;
}

/** Kept at load, so that fake timers of a test framework do not stop the clock's own work. */
const realImmediate = setImmediate;

/**
 * A clock that stands still until a test moves it. Starts at 0; the wall time that goes with it starts at `epoch`.
 */
export class FakeClock implements Clock {
  private time = 0;
  /** In the order of their making; those due at one time fire in that order. */
  private readonly timers = new Set<FakeTimer>();

  /** @param epoch Milliseconds since 1970 at time 0. */
  constructor(private readonly epoch = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.time;
  }

  wallTime(): number {
    return this.epoch + this.time;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    const timer: FakeTimer = { callback, dueAt: this.time + Math.max(0, delayMs) };
    this.timers.add(timer);
    return timer;
  }

  clearTimer(handle: TimerHandle): void {
    this.timers.delete(handle as FakeTimer);
  }

  /** Timers that have not fired yet. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /** When the next timer is due; undefined where none is set. */
  get nextTimerAt(): number | undefined {
    return this.firstDue(Infinity)?.dueAt;
  }

  /**
   * Moves time on. Fires what becomes due in order, and after each timer lets every promise settle that it settles,
   * with all that follows from it, before the next one. Of advances that overlap (a mock that takes a second of this clock),
   * the one that goes furthest says what time it is: time never moves back.
   * @throws TypeError for what is no duration.
   */
  async advance(duration: Duration): Promise<void> {
    const milliseconds = parseDuration(duration);
    if (milliseconds === undefined) throw new TypeError(`advance takes a duration, got ${formatValue(duration)}`);
    const target = this.time + milliseconds;
    await this.settle();
    for (let next = this.firstDue(target); next !== undefined; next = this.firstDue(target)) {
      this.timers.delete(next);
      this.time = Math.max(this.time, next.dueAt);
      next.callback();
      await this.settle();
    }
    this.time = Math.max(this.time, target);
    await this.settle();
  }

  /** Lets every promise settle that can without time passing, and what was put off to the end of the turn with what follows from it. */
  async settle(): Promise<void> {
    await new Promise((resolve) => realImmediate(resolve));
    await new Promise((resolve) => realImmediate(resolve));
  }

  private firstDue(until: number): FakeTimer | undefined {
    let first: FakeTimer | undefined;
    for (const timer of this.timers) {
      if (timer.dueAt <= until && (first === undefined || timer.dueAt < first.dueAt)) first = timer;
    }
    return first;
  }
}
