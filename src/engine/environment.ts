import { formatValue } from '../options/index.js';
import { lookAfter } from './drivers/promises.js';
import { systemClock, systemRandom, type Clock, type RandomSource } from './clock.js';
import { Shutdown } from './waiting/shutdown.js';
import { EventHub } from './telemetry/events.js';
import { guardedLogger, processWarnings, type ResilienceLogger } from './telemetry/logger.js';
import type { CallTracer } from './telemetry/tracer.js';
import { Timings } from './telemetry/histogram.js';
import type { CallbackFailedEvent } from './telemetry/operation-events.js';
import { TimerQueue } from './waiting/timer-queue.js';

/** How many different places may report a throwing callback in the log; beyond it only the events tell. */
const MAX_LOGGED_LOCATIONS = 1000;

export interface EnvironmentOptions {
  readonly clock?: Clock | undefined;
  readonly random?: RandomSource | undefined;
  readonly stackTraces?: boolean | undefined;
  readonly logger?: ResilienceLogger | undefined;
}

/** What the strategies of one application share: time, randomness, news, and where to complain. */
export class Environment {
  readonly clock: Clock;
  /** In [0, 1], whatever the source says. */
  readonly random: RandomSource;
  readonly stackTraces: boolean;
  /** Of whom nobody need fear that it throws. */
  readonly logger: ResilienceLogger;
  readonly events: EventHub;
  readonly timings: Timings;
  /** Who follows the calls, where somebody does. */
  tracer: CallTracer | undefined;
  readonly deadlines: TimerQueue;
  private readonly loggedLocations = new Set<string>();
  readonly shutdown: Shutdown;
  /** Where state is shared with other instances, if it is; what it is made of is for those who use it to know. */
  store: object | undefined;

  /** @param eventsOfAttempts The types of events that may come with every call that does not go well. */
  constructor(options: EnvironmentOptions = {}, eventsOfAttempts: readonly string[] = []) {
    this.clock = options.clock ?? systemClock;
    const { random = systemRandom } = options;
    this.random = random === systemRandom ? random : () => this.sample(random);
    this.stackTraces = options.stackTraces ?? false;
    this.logger = guardedLogger(options.logger ?? processWarnings);
    this.events = new EventHub(this.clock, (error) => this.complain('event listener', undefined, error), eventsOfAttempts);
    this.timings = new Timings((error) => this.complain('duration listener', undefined, error));
    this.deadlines = new TimerQueue(this.clock);
    this.shutdown = new Shutdown(this.clock, this.deadlines);
  }

  /**
   * A callback of the user's threw where the call must go on: told as an event each time, and in the log once a place.
   */
  callbackFailed(callback: string, operationId: string | undefined, error: unknown): void {
    if (this.events.hasListeners('callback.failed'))
      this.events.emit<CallbackFailedEvent>('callback.failed', operationId, { callback, error });
    this.complain(callback, operationId, error);
  }

  /** Calls a function of the user's whose answer nobody waits for; one that throws, or gives a promise that is rejected, is told. */
  notify(callback: string, operationId: string | undefined, call: () => unknown): void {
    const failed = (error: unknown): void => this.callbackFailed(callback, operationId, error);
    try {
      lookAfter(call(), failed);
    } catch (error) {
      failed(error);
    }
  }

  /**
   * Work that goes on though nobody waits for it: a shutdown does, for as long as its drain lasts. Where it fails that is told
   * (`label` says what it was), and ends no process.
   */
  background(work: PromiseLike<unknown>, label: string): void {
    const ended = this.shutdown.registerWaiter(() => undefined);
    void new Promise((resolve) => resolve(work)).then(ended, (error: unknown) => {
      this.callbackFailed(label, undefined, error);
      ended();
    });
  }

  /**
   * Asks a function of the user's that has to answer at once. One that throws, or gives a promise, is told and does not
   * decide: `otherwise` does.
   */
  ask<Answer>(callback: string, operationId: string | undefined, question: () => Answer, otherwise: () => Answer): Answer {
    const failed = (error: unknown): void => this.callbackFailed(callback, operationId, error);
    try {
      const answer = question();
      if (!lookAfter(answer, () => undefined)) return answer;
      failed(new TypeError(`${callback} must answer at once, and gave a promise`));
    } catch (error) {
      failed(error);
    }
    return otherwise();
  }

  /** A figure of the user's source of randomness; one that is none would make delays that never end. */
  private sample(random: RandomSource): number {
    const sample: unknown = this.ask('random', undefined, random, systemRandom);
    if (typeof sample === 'number' && sample >= 0 && sample <= 1) return sample;
    this.callbackFailed('random', undefined, new TypeError(`random must give a number in [0, 1), got ${formatValue(sample)}`));
    return systemRandom();
  }

  private complain(callback: string, operationId: string | undefined, error: unknown): void {
    const location = operationId === undefined ? callback : `${operationId}: ${callback}`;
    if (this.loggedLocations.has(location) || this.loggedLocations.size >= MAX_LOGGED_LOCATIONS) return;
    this.loggedLocations.add(location);
    this.logger.error(`${location} threw; the call went on without it (told once)`, error);
  }
}
