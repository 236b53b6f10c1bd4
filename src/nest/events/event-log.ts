import type { TimerHandle } from '../../engine/clock.js';
import type { ResilienceLogger } from '../../engine/environment.js';
import type { EventBase } from '../../engine/telemetry/events.js';
import { eventDeclarations } from '../../policies/index.js';
import type { Resilience } from '../../resilience.js';

/** So many lines of one type of event are written in a while; of the others comes one line at its end. */
const MOST_LINES = 10;
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
  private readonly stopListening: () => void;
  private readonly logger: ResilienceLogger;

  constructor(private readonly resilience: Resilience) {
    const { environment } = resilience;
    this.logger = environment.logger;
    for (const [type, { level }] of Object.entries(eventDeclarations)) if (level !== undefined) this.levels.set(type, level);
    this.stopListening = environment.events.listen((event) => this.write(event), {
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

  /** Counts what it does not want to be told of, but for what is not written at all. */
  private isReady(type: string): boolean {
    if (this.levels.get(type) === 'debug' && this.logger.isDebugOn?.() === false) return false;
    const stretch = this.stretches.get(type);
    if (stretch === undefined || stretch.lines < MOST_LINES) return true;
    stretch.unsaid++;
    return false;
  }

  private write(event: EventBase): void {
    const level = this.levels.get(event.type)!;
    if (level === 'debug' && this.logger.isDebugOn?.() === false) return;
    const stretch = this.stretchOf(event.type);
    if (stretch.lines >= MOST_LINES) return;
    stretch.lines++;
    this.logger[level]?.(wordsOf(event), fieldsOf(event));
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
      this.logger[level]?.(`${titleOf(type)}: ${unsaid} more in the last ${WHILE_MS / 1000} s`, { event: type, unsaid });
    }
    this.stretches.clear();
  }
}

/** `circuit-breaker.opened` as words. */
function titleOf(type: string, name?: string): string {
  const [group, what] = type.split('.').map((part) => part.replaceAll('-', ' ')) as [string, string];
  return `${group[0]!.toUpperCase()}${group.slice(1)}${name === undefined ? '' : ` "${name}"`} ${what}`;
}

/** An event as a sentence: `Circuit breaker "payments" opened (calls 10, failures 7, openMs 30000)`. */
function wordsOf(event: EventBase): string {
  const { event: type, operationId, policyName, ...figures } = fieldsOf(event) as Record<string, unknown> & { event: string };
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const where = typeof operationId === 'string' && operationId !== policyName ? ` in ${operationId}` : '';
  return `${titleOf(type, policyName as string | undefined)}${where}${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`;
}

/** The figures of an event, errors as their messages. */
function fieldsOf({ type, timestamp: _timestamp, ...facts }: EventBase): object {
  const known = Object.entries(facts as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return {
    event: type,
    ...Object.fromEntries(known.map(([name, value]) => [name, value instanceof Error ? `${value.name}: ${value.message}` : plain(value)])),
  };
}

/** What can stand in a log: whatever else was thrown is said by its type. */
function plain(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) return value;
  if (typeof value === 'number') return Number(value.toFixed(3));
  return typeof value === 'string' || typeof value === 'boolean' ? value : typeof value;
}
