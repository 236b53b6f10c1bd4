// Not the global: that is an accessor, which every reading of the time would pay for.
import { performance } from 'node:perf_hooks';

/** What `Clock.setTimer` gives back; only `Clock.clearTimer` looks inside. */
export type TimerHandle = unknown;

/** All time that the library knows goes through one of these. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary origin. */
  now(): number;
  /**
   * Calls back once after `delayMs`. The timer does not keep the process alive, except with `keepAlive`, which is set
   * where a caller waits for just this timer (a retry's delay, a turn in a rate limit).
   */
  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): TimerHandle;
  clearTimer(handle: TimerHandle): void;
  /**
   * How much too early `setTimer` may call back, in milliseconds, and the finest step that it knows: deadlines this close count as
   * due. Default: 0.
   */
  readonly timerResolution?: number;
  /** Milliseconds since 1970, for timestamps of events and for HTTP dates. Default: the system's. */
  wallTime?(): number;
}

/** A number in [0, 1), as `Math.random` gives it. */
export type RandomSource = () => number;

/** Milliseconds since 1970 by a clock that may not know them. */
export function wallTimeOf(clock: Clock): number {
  return clock.wallTime?.() ?? Date.now();
}

/** A time of the wall clock as an ISO date. */
export function isoTime(wallTime: number): string {
  return new Date(wallTime).toISOString();
}

/** What `setTimeout` takes at most (2^31 - 1 ms, 24.8 days); beyond it Node fires at once. */
const MAX_TIMER_MS = 2_147_483_647;

interface SystemTimer {
  timeout: NodeJS.Timeout;
}

/** The clock of the machine: `performance.now` and `setTimeout`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    const timer = {} as SystemTimer;
    const start = (remainingMs: number): void => {
      const part = Math.min(remainingMs, MAX_TIMER_MS);
      timer.timeout = setTimeout(() => (remainingMs > part ? start(remainingMs - part) : callback()), Math.ceil(part));
      if (!keepAlive) timer.timeout.unref();
    };
    start(delayMs);
    return timer;
  },
  clearTimer(handle) {
    clearTimeout((handle as SystemTimer).timeout);
  },
  timerResolution: 1, // Node's timers count whole milliseconds of the event loop's time
  wallTime: () => Date.now(),
};

/** The machine's randomness; enough for jitter, not for secrets. */
export const systemRandom: RandomSource = Math.random;
