import { lookAfter } from './drivers/promises.js';
import { systemClock, systemRandom, type Clock, type RandomSource } from './clock.js';
import { Shutdown } from './waiting/shutdown.js';
import { EventHub } from './telemetry/events.js';
import type { CallTracer } from './telemetry/tracer.js';
import { Timings } from './telemetry/histogram.js';
import { TimerQueue } from './waiting/timer-queue.js';

/** Where warnings go: the Nest logger in an application, `process.emitWarning` elsewhere. */
export interface ResilienceLogger {
  /** `fields` are the figures of an event, for a log that is structured. */
  warn(message: string, fields?: object): void;
  error(message: string, cause?: unknown): void;
  /** Told of what is set up, and of changes for the better. */
  log?(message: string, fields?: object): void;
  /** Told at startup what protects each operation, and of single attempts and rejections. */
  debug?(message: string, fields?: object): void;
  /** Whether `debug` would be written just now. */
  isDebugOn?(): boolean;
}

const processWarnings: ResilienceLogger = {
  warn: (message) => process.emitWarning(message, 'ResilienceWarning'),
  error: (message, cause) =>
    process.emitWarning(
      cause instanceof Error ? `${message}\n${cause.stack ?? cause.message}` : `${message}: ${String(cause)}`,
      'ResilienceWarning',
    ),
};

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
  readonly random: RandomSource;
  readonly stackTraces: boolean;
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
    this.random = options.random ?? systemRandom;
    this.stackTraces = options.stackTraces ?? false;
    this.logger = options.logger ?? processWarnings;
    this.events = new EventHub(this.clock, (error) => this.complain('event listener', undefined, error), eventsOfAttempts);
    this.timings = new Timings((error) => this.complain('duration listener', undefined, error));
    this.deadlines = new TimerQueue(this.clock);
    this.shutdown = new Shutdown(this.clock, this.deadlines);
  }

  /**
   * A callback of the user's threw where the call must go on: told as an event each time, and in the log once a place.
   */
  callbackFailed(callback: string, operationId: string | undefined, error: unknown): void {
    if (this.events.hasListeners('callback.failed')) this.events.emit('callback.failed', operationId, { callback, error });
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

  /** Warns of what is set up. A logger that fails harms nobody. */
  warn(message: string): void {
    this.notify('the logger', undefined, () => this.logger.warn(message));
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

  private complain(callback: string, operationId: string | undefined, error: unknown): void {
    const location = operationId === undefined ? callback : `${operationId}: ${callback}`;
    if (this.loggedLocations.has(location) || this.loggedLocations.size >= MAX_LOGGED_LOCATIONS) return;
    this.loggedLocations.add(location);
    const message = `${location} threw; the call went on without it (told once)`;
    const unheard = (broken: unknown): void => {
      processWarnings.error(message, error);
      processWarnings.error('the logger failed', broken);
    };
    try {
      lookAfter(this.logger.error(message, error), unheard);
    } catch (broken) {
      unheard(broken);
    }
  }
}
