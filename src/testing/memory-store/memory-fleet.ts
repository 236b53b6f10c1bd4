import {
  COMMANDS_KEPT,
  EVENTS_KEPT,
  GONE_AFTER_MS,
  REMEMBERED_MS,
  type FleetBeat,
  type FleetEntry,
  type FleetPulse,
  type FleetStore,
} from '../../policies/fleet-store.js';

interface Member {
  readonly about: string;
  readonly snapshot: string | undefined;
  readonly beatAt: number;
}

/** Where applications of one process meet. */
export class MemoryFleet {
  private readonly epoch = 'memory';
  private readonly members = new Map<string, Member>();
  private commands: FleetEntry[] = [];
  private readonly last = new Map<string, FleetEntry>();
  private events: FleetEntry[] = [];
  private readonly listeners = new Set<() => void>();
  private told = 0;
  private watchedUntil = -Infinity;

  /** The fleet as one application sees it. */
  for(now: () => number): FleetStore {
    const view = {
      reporting: undefined as number | undefined,
      beat: (beat: FleetBeat) => {
        const pulse = this.beat(beat, now());
        view.reporting = pulse.members.filter(({ ageMs }) => ageMs <= GONE_AFTER_MS).length;
        return Promise.resolve(pulse);
      },
      tell: (target: string, text: string) => Promise.resolve(this.tell(target, text)),
      leave: (instance: string) => Promise.resolve(this.members.delete(instance)),
      onCommand: (listener: () => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
    };
    return view;
  }

  private beat({ instance, about, snapshot, events, isWatching, seen }: FleetBeat, now: number): FleetPulse {
    this.members.set(instance, { about, snapshot: snapshot ?? this.members.get(instance)?.snapshot, beatAt: now });
    for (const [name, { beatAt }] of this.members) if (now - beatAt > REMEMBERED_MS) this.members.delete(name);
    if (isWatching) this.watchedUntil = now + GONE_AFTER_MS;
    const isWatched = now < this.watchedUntil;
    const isGap = this.commands.length >= COMMANDS_KEPT && isLater(this.commands[0]!.id, seen?.command);
    const isCollapsed = seen === undefined || isGap;
    const commands = (isCollapsed ? [...this.last.values()] : this.commands).filter(({ id }) => isLater(id, seen?.command));
    const told = isWatching && seen !== undefined ? this.events.filter(({ id }) => isLater(id, seen.event)) : [];
    if (isWatched) this.events = [...this.events, ...events.map((text) => ({ id: this.nextId(), text }))].slice(-EVENTS_KEPT);
    const position = { epoch: this.epoch, command: this.commands.at(-1)?.id ?? '0-0', event: this.events.at(-1)?.id ?? '0-0' };
    const members = Array.from(this.members, ([name, one]) => ({
      instance: name,
      ageMs: now - one.beatAt,
      about: one.about,
      snapshot: isWatching ? one.snapshot : undefined,
    }));
    return { position, members, isWatched, commands, isCollapsed, events: told };
  }

  private tell(target: string, text: string): string {
    const entry = { id: this.nextId(), text };
    this.commands = [...this.commands, entry].slice(-COMMANDS_KEPT);
    this.last.delete(target);
    this.last.set(target, entry);
    if (this.last.size > COMMANDS_KEPT) this.last.delete(this.last.keys().next().value!);
    for (const listener of this.listeners) queueMicrotask(listener);
    return entry.id;
  }

  private nextId(): string {
    this.told++;
    return `${this.told}-0`;
  }
}

function isLater(id: string, than: string | undefined): boolean {
  return than === undefined || Number(id.split('-')[0]) > Number(than.split('-')[0]);
}
