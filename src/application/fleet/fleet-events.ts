import type { Environment } from '../../engine/environment.js';
import { fieldsOf } from '../../engine/telemetry/event-format.js';
import type { EventBase } from '../../engine/telemetry/events.js';
import { isRecord } from '../../options/index.js';
import { eventDeclarations } from '../../policies/index.js';
import { readJson } from './identity.js';

/** So many events go with one heartbeat; of more the first are told. */
const MAX_EVENTS = 100;

/** Something that has happened in one of the instances: plain data, errors as their messages. */
export interface FleetEvent {
  /** The instance that it happened in. */
  readonly origin: string;
  readonly type: string;
  /** Milliseconds since 1970, by the clock of that instance. */
  readonly timestamp: number;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What is worth telling the fleet: what is logged too, and not what happens to single calls. */
export function isNews(type: string): boolean {
  const level = eventDeclarations[type]?.level;
  return level === 'warn' || level === 'log' || type.startsWith('store.');
}

export function fleetEvent(origin: string, event: EventBase): FleetEvent {
  const { event: type, ...facts } = fieldsOf(event);
  const { operationId } = event;
  return { origin, type: String(type), timestamp: event.timestamp, facts: operationId === undefined ? facts : { operationId, ...facts } };
}

/** What this instance tells the others, while somebody there listens. */
export class Outbox {
  private readonly texts: string[] = [];
  private stop: (() => void) | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly origin: string,
  ) {}

  open(isWatched: boolean): void {
    if (isWatched && this.stop === undefined) this.stop = this.environment.events.listen((event) => this.add(event), { wants: isNews });
    if (isWatched || this.stop === undefined) return;
    this.stop();
    this.stop = undefined;
    this.texts.length = 0;
  }

  take(): string[] {
    return this.texts.splice(0);
  }

  private add(event: EventBase): void {
    if (this.texts.length < MAX_EVENTS) this.texts.push(JSON.stringify(fleetEvent(this.origin, event)));
  }
}

/** Undefined for what another version says in words that are not known here. */
export function readFleetEvent(text: string): FleetEvent | undefined {
  const read = readJson(text);
  if (!isRecord(read)) return undefined;
  const { origin, type, timestamp, facts } = read;
  const isReadable = typeof origin === 'string' && typeof type === 'string' && typeof timestamp === 'number' && isRecord(facts);
  return isReadable ? { origin, type, timestamp, facts } : undefined;
}
