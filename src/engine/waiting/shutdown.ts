import { duration, formatValue, isRecord, Problems, readOptions, type Duration, type Rule } from '../../options/index.js';
import type { Clock } from '../clock.js';
import { ResilienceConfigError } from '../error.js';
import type { TimerQueue } from './timer-queue.js';
import { deferred } from './waiter.js';

export interface DrainOptions {
  /** How long those who wait already may still be served. @default 0 */
  readonly timeout?: Duration;
}

const drainRules = { timeout: duration({ zero: true }) } satisfies Record<keyof DrainOptions, Rule>;

/** @throws ResilienceConfigError for anything but a duration: who writes `drain(500)` would turn everybody away at once. */
function readTimeout(options: DrainOptions): number {
  const problems = new Problems();
  if (isRecord(options)) {
    const { timeout = 0 } = problems.at('drain:', (found) => readOptions(drainRules, options, found)) as { timeout?: number };
    if (problems.messages.length === 0) return timeout;
  } else problems.add(`drain: the options must be an object, got ${formatValue(options)}`);
  throw new ResilienceConfigError(problems.messages);
}

/**
 * Turns those who wait away: at the beginning of a drain those whose wait is known to last beyond `end`, and at its end
 * (undefined) all of them.
 */
export type TurnAway = (end: number | undefined) => unknown;

/** Where some wait of whom nobody tells when they are gone: what policies share by name, as its kind declares it. */
export interface WaitingElsewhere {
  /** How many wait there. */
  waiting(): number;
  /** The drain is over: whoever waits is turned away, and what goes on by itself ends. */
  end(): void;
}

const NO_TIMER = (): undefined => undefined;

/** How often a drain looks at those of whom nobody tells. */
const LOOK_MS = 50;

/**
 * The end of an application's work, in two steps. From the drain on no new wait begins: a pause between attempts or a wait
 * for a permit that would start now ends at once. Who waits already may be served until the drain's time is over, and is
 * turned away then. Calls that run keep every limit that they have.
 */
export class Shutdown {
  /** No new wait begins. */
  isDraining = false;
  /** Calls that have begun and are not over. */
  inFlight = 0;
  /** How to turn away those who wait. */
  private readonly waits = new Set<TurnAway>();
  private readonly timers = new Set<() => void>();
  /** Who else may wait. */
  elsewhere: WaitingElsewhere | undefined;
  /** What is left to do when nobody waits any more. */
  private readonly last = new Set<() => Promise<void>>();
  /** Tells those who wait for the end that nobody waits and nothing runs any more. */
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    private readonly deadlines: TimerQueue,
  ) {}

  /** Somebody waits from now on. Gives what is to be called when they wait no more. */
  registerWaiter(turnAway: TurnAway): () => void {
    this.waits.add(turnAway);
    return () => {
      if (this.waits.delete(turnAway)) this.tellWhenIdle();
    };
  }

  /** There is a timer that nobody waits for; `stop` clears it. Gives what is to be called when it has fired or was cleared. */
  timer(stop: () => void): () => void {
    this.timers.add(stop);
    return () => this.timers.delete(stop);
  }

  /** The end of a drain waits for this work, which must end by itself and not fail; it is done once. */
  atEnd(work: () => Promise<void>): void {
    this.last.add(work);
  }

  /** A call is over. */
  callEnded(): void {
    this.inFlight--;
    if (this.isDraining) this.tellWhenIdle();
  }

  /**
   * Begins the drain. Done when nobody waits and nothing runs, or after `timeout`, when all who still wait have been turned
   * away; without one they are in the same turn.
   */
  async drain(options: DrainOptions): Promise<void> {
    const timeoutMs = readTimeout(options);
    this.isDraining = true;
    this.deadlines.windDown();
    // Whose wait cannot end in time is turned away at once: nobody gains by waiting for them.
    const end = this.clock.now() + timeoutMs;
    for (const turnAway of this.waits) turnAway(end);
    if (timeoutMs > 0 && !this.isIdle) await this.idle(timeoutMs);
    for (const turnAway of this.waits) turnAway(undefined);
    this.elsewhere?.end();
    for (const stop of this.timers) stop();
    this.timers.clear();
    await Promise.all([...this.last].map((work) => work()));
  }

  private get isIdle(): boolean {
    return this.inFlight === 0 && this.waits.size === 0 && !this.waitElsewhere;
  }

  private get waitElsewhere(): boolean {
    return this.elsewhere !== undefined && this.elsewhere.waiting() > 0;
  }

  /** The timer keeps the process alive: somebody waits for it, and for no longer than something is under way. */
  private async idle(timeoutMs: number): Promise<void> {
    const { promise, resolve } = deferred();
    const end = this.clock.now() + timeoutMs;
    let stop: () => void = NO_TIMER;
    const look = (): void => {
      const left = end - this.clock.now();
      if (left <= 0 || this.isIdle) {
        resolve();
        return;
      }
      // Only those elsewhere can leave without a word.
      const timer = this.clock.setTimer(look, this.waitElsewhere ? Math.min(left, LOOK_MS) : left, true);
      stop = () => this.clock.clearTimer(timer);
    };
    look();
    this.listeners.add(resolve);
    await promise;
    this.listeners.delete(resolve);
    stop();
  }

  private tellWhenIdle(): void {
    if (this.isIdle) for (const tell of this.listeners) tell();
  }
}
