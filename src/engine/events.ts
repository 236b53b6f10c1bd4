import { wallTimeOf, type Clock } from './clock.js';

/** What every event carries. Each policy adds its own figures in its `.telemetry` file. */
export interface EventBase {
  /** `<kind>.<what happened>`, e.g. `circuit-breaker.opened`. */
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** The operation it happened to; undefined for an instance used by hand. */
  readonly operationId: string | undefined;
}

export type EventListener = (event: EventBase) => void;

/**
 * News for whoever listens, at once and never awaited. Ask `active` before making an event: without a listener none is
 * made. A listener that throws is reported and harms nobody.
 */
export class EventHub {
  /** True while somebody listens. */
  active = false;
  private listeners: readonly EventListener[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly reportError: (error: unknown) => void,
  ) {}

  listen(listener: EventListener): () => void {
    this.listeners = [...this.listeners, listener];
    this.active = true;
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
      this.active = this.listeners.length > 0;
    };
  }

  emit(type: string, operationId: string | undefined, facts: object): void {
    const event: EventBase = { type, timestamp: wallTimeOf(this.clock), operationId, ...facts };
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.reportError(error);
      }
    }
  }

  /** Forgets all listeners. */
  close(): void {
    this.listeners = [];
    this.active = false;
  }
}
