import type { TimerHandle } from '../../engine/clock.js';
import type { ResilienceLogger } from '../../engine/telemetry/logger.js';
import { fieldsOf, eventTitle, formatEvent } from '../../engine/telemetry/event-format.js';
import type { EventBase } from '../../engine/telemetry/events.js';
import { eventDeclarations } from '../../policies/index.js';
import type { Resilience } from '../../application/resilience.js';

/** So many lines of one type of event are written in a while; of the others comes one line at its end. */
const MAX_LINES = 10;
const WHILE_MS = 10_000;

type Level = 'warn' | 'log' | 'debug';

/** What was written and what was not in the current while, of one type of event. */
interface Stretch {
  lines: number;
  unsaid: number;
}

/**
 * Writes what happens to the log: changes of state as warnings, attempts and rejections for debugging, bounded so that an
 * outage cannot flood it. What would not be written is not even made into an event.
 */
export class EventLog {
  private readonly levels = new Map<string, Level>();
  private readonly stretches = new Map<string, Stretch>();
  private timer: TimerHandle;
  private stopListening: () => void;
  private readonly logger: ResilienceLogger;

  constructor(private readonly resilience: Resilience) {
    const { environment } = resilience;
    this.logger = environment.logger;
    for (const [type, { level }] of Object.entries(eventDeclarations)) if (level !== undefined) this.levels.set(type, level);
    this.stopListening = this.listen();
  }

  /** The application has started, with the logger that it will have: what that would not write is not even asked for. */
  settle(): void {
    const { logger } = this;
    for (const [type, level] of this.levels) {
      if (logger[level] === undefined || (level === 'debug' && logger.isDebugOn?.() === false)) this.levels.delete(type);
    }
    this.stopListening();
    this.stopListening = this.listen();
  }

  private listen(): () => void {
    return this.resilience.environment.events.listen((event) => this.write(event), {
      wants: (type) => this.levels.has(type),
      ready: (type) => this.isReady(type),
    });
  }

  /** Says what was not said yet, and writes nothing more. */
  close(): void {
    this.stopListening();
    if (this.timer !== undefined) this.resilience.environment.clock.clearTimer(this.timer);
    this.sumUp();
  }

  /** Counts what it does not want to be told of. */
  private isReady(type: string): boolean {
    const stretch = this.stretches.get(type);
    if (stretch === undefined || stretch.lines < MAX_LINES) return true;
    stretch.unsaid++;
    return false;
  }

  private write(event: EventBase): void {
    const level = this.levels.get(event.type)!;
    const stretch = this.stretchOf(event.type);
    if (stretch.lines >= MAX_LINES) return;
    stretch.lines++;
    this.logger[level]?.(formatEvent(event), fieldsOf(event));
  }

  private stretchOf(type: string): Stretch {
    let stretch = this.stretches.get(type);
    if (stretch === undefined) this.stretches.set(type, (stretch = { lines: 0, unsaid: 0 }));
    const { clock } = this.resilience.environment;
    this.timer ??= clock.setTimer(() => this.sumUp(), WHILE_MS);
    return stretch;
  }

  private sumUp(): void {
    this.timer = undefined;
    for (const [type, { unsaid }] of this.stretches) {
      if (unsaid === 0) continue;
      const level = this.levels.get(type)!;
      this.logger[level]?.(`${eventTitle(type)}: ${unsaid} more in the last ${WHILE_MS / 1000} s`, { event: type, unsaid });
    }
    this.stretches.clear();
  }
}
