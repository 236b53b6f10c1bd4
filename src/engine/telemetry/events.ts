import { lookAfter } from '../drivers/promises.js';
import { wallTimeOf, type Clock } from '../clock.js';

/** What every event carries. Each policy adds its own figures in its `.telemetry` file. */
export interface EventBase {
  /** `<kind>.<what happened>`, e.g. `circuit-breaker.opened`. */
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** The operation it happened to; undefined for an instance used by hand. */
  readonly operationId: string | undefined;
}

/** What an event says beside what every event carries. */
export type FactsOf<Event extends EventBase> = Omit<Event, keyof EventBase>;

/** A type of event. */
export interface EventDeclaration {
  /** What has happened then. */
  readonly when: string;
  /** At which level it is logged; undefined where it is not. */
  readonly level: 'warn' | 'log' | 'debug' | undefined;
}

export type EventListener = (event: EventBase) => void;

/** Which events a listener hears. */
export interface ListenOptions {
  /** Whether it wants events of a type; asked once a type. All of them where it is not there. */
  readonly wants?: (type: string) => boolean;
  /** Whether it would look at one just now; asked before each event is made. */
  readonly ready?: (type: string) => boolean;
}

interface Subscription extends ListenOptions {
  readonly listener: EventListener;
}

/** The ends of calls: the only events that come where all is well, so that who wants them pays for each call. */
const ENDS_OF_CALLS = ['operation.succeeded', 'operation.failed'];

/** So many events may follow from one; a listener that brings about what it listens to must not keep the event loop for ever. */
const MAX_EVENTS_PER_TURN = 1000;

/**
 * News for whoever listens, at once and never awaited. Ask `hasListeners` before making an event: without a listener none is made.
 * A listener that throws, or gives a promise that is rejected, is reported and harms nobody.
 */
export class EventHub {
  /** True while somebody listens to anything. */
  active = false;
  /** True while somebody listens to the ends of calls. */
  hasCallListeners = false;
  /** True while somebody listens to what happens to single calls on their way: rejections, retries. */
  hasAttemptListeners = false;
  private all: readonly Subscription[] = [];
  private telling = false;
  private readonly later: EventBase[] = [];
  private readonly byType = new Map<string, readonly Subscription[]>();

  constructor(
    private readonly clock: Clock,
    private readonly reportError: (error: unknown) => void,
    /** The types of events that may come with every call that does not go well. */
    private readonly ofAttempts: readonly string[],
  ) {}

  listen(listener: EventListener, hearing: ListenOptions = {}): () => void {
    const listening: Subscription = { ...hearing, listener };
    this.change([...this.all, listening]);
    return () => this.change(this.all.filter((other) => other !== listening));
  }

  /** Whether somebody will look at an event of that type. Everybody is asked, as some count what they miss. */
  hasListeners(type: string): boolean {
    if (!this.active) return false;
    let wanted = false;
    for (const { ready } of this.listenersOf(type)) wanted = ready === undefined || ready(type) || wanted;
    return wanted;
  }

  /** The same for what happens to single calls: an outage asks for it again and again. */
  hasListenersForAttempts(type: string): boolean {
    return this.hasAttemptListeners && this.hasListeners(type);
  }

  /**
   * Tells it: `emit<RetryScheduledEvent>('retry.scheduled', operationId, { ... })`. What a listener brings about in the middle of that is
   * told after it, so that all hear it in the order it happened.
   */
  emit<Event extends EventBase = never>(type: Event['type'], operationId: string | undefined, facts: FactsOf<Event>): void {
    const event: EventBase = { type, timestamp: wallTimeOf(this.clock), operationId, ...facts };
    if (this.telling) {
      if (this.later.length < MAX_EVENTS_PER_TURN) this.later.push(event);
      else this.reportError(new Error('listeners answer events with further events without end'));
      return;
    }
    this.telling = true;
    this.tell(event);
    for (let next = 0; next < this.later.length; next++) this.tell(this.later[next]!);
    this.later.length = 0;
    this.telling = false;
  }

  /** Forgets all listeners. */
  close(): void {
    this.change([]);
  }

  private tell(event: EventBase): void {
    for (const { listener } of this.listenersOf(event.type)) {
      try {
        lookAfter(listener(event), this.reportError);
      } catch (error) {
        this.reportError(error);
      }
    }
  }

  private change(all: readonly Subscription[]): void {
    this.all = all;
    this.byType.clear();
    this.active = all.length > 0;
    const hears = (type: string): boolean => this.listenersOf(type).length > 0;
    this.hasCallListeners = ENDS_OF_CALLS.some(hears);
    this.hasAttemptListeners = this.ofAttempts.some(hears);
  }

  /** Event types are the library's own, so there are few. */
  private listenersOf(type: string): readonly Subscription[] {
    let listeners = this.byType.get(type);
    if (listeners === undefined) {
      listeners = this.all.filter(({ wants }) => wants === undefined || wants(type));
      this.byType.set(type, listeners);
    }
    return listeners;
  }
}

/** Whether a type is meant by a pattern: itself, `*` for all, or `circuit-breaker.*` for all of one policy. */
export function matchesPattern(pattern: string, type: string): boolean {
  return pattern === type || pattern === '*' || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)));
}
