import { Observable, Subject } from 'rxjs';
import { wallTimeOf } from '../../engine/clock.js';
import type { Environment } from '../../engine/environment.js';
import { ResilienceConfigError } from '../../engine/error.js';
import { formatValue } from '../../options/index.js';
import type { FleetBeat, FleetPosition, FleetPulse } from '../../policies/fleet-store.js';
import type { SharedStore } from '../../policies/shared-store.js';
import type { InstanceControls, InstanceSummary } from '../controls.js';
import { CommandLog, type CatchUp } from './command-log.js';
import type { FleetCommandProgress, FleetCommandRequest } from './fleet-command.js';
import { fleetEvent, isNews, Outbox, readFleetEvent, type FleetEvent } from './fleet-events.js';
import { Heartbeat } from './heartbeat.js';
import { identityOf } from './identity.js';
import { Roster, type FleetInstance, type FleetReporting } from './roster.js';
import { isLater, readCommand, targetOf, type ToldCommand } from './told-command.js';

/** A longer snapshot is not told: who has so many names is asked itself. */
const MAX_SNAPSHOT = 256 * 1024;

/** All instances of the application that share a store; without one it is this instance. */
export class Fleet {
  /** What happens in all of them, as far as it is worth a line in the log; who subscribes watches. */
  readonly events$: Observable<FleetEvent>;
  /** This instance. */
  readonly id: string;
  private readonly startedAt: number;
  private readonly news = new Subject<FleetEvent>();
  private readonly roster: Roster;
  private readonly log: CommandLog;
  private readonly outbox: Outbox;
  private readonly heartbeat: Heartbeat | undefined;
  private position: FleetPosition | undefined;
  private isWatched = false;
  private watchers = 0;
  private ignoreCommands: (() => void) | undefined;

  /** @internal */
  constructor(
    private readonly store: SharedStore | undefined,
    private readonly controls: InstanceControls,
    private readonly environment: Environment,
  ) {
    this.id = store?.settings.instance ?? 'this';
    this.startedAt = wallTimeOf(environment.clock);
    this.roster = new Roster(this.id, environment.clock);
    this.log = new CommandLog(controls, environment);
    this.outbox = new Outbox(environment, this.id);
    const owner = {
      beat: (position?: FleetPosition) => this.beat(position),
      pulse: (pulse: FleetPulse, how: CatchUp) => this.pulse(pulse, how),
    };
    this.heartbeat = store === undefined ? undefined : new Heartbeat(store.fleet, owner, environment);
    this.events$ = new Observable((subscriber) => {
      const unwatch = this.watch();
      const own = environment.events.listen((event) => subscriber.next(fleetEvent(this.id, event)), { wants: isNews });
      const others = this.news.subscribe(subscriber);
      return () => {
        others.unsubscribe();
        own();
        unwatch();
      };
    });
  }

  /** All that are known, this one first, as of their last heartbeats. */
  instances(): readonly FleetInstance[] {
    return this.all(this.controls.list());
  }

  /** How many are heard of: `3 of 4 reporting, oldest 2.1 s` in figures. */
  reporting(): FleetReporting {
    const all = this.all(undefined);
    const heard = all.filter(isHeard);
    return { reporting: heard.length, known: all.length, oldestMs: Math.max(...heard.map(({ ageMs }) => ageMs)) };
  }

  /** While somebody watches, all instances tell with their heartbeats what `instances()` shows of them. Gives what ends it. */
  watch(): () => void {
    this.watchers++;
    if (this.watchers === 1) this.beatSoon();
    let isOver = false;
    return () => {
      if (!isOver) this.watchers--;
      isOver = true;
    };
  }

  /**
   * Does something to what policies share under a name, in all instances: `command('payments', 'force-open', { reason: '...' })`. Those
   * that are away do it when they are back, and those that start later where it still counts.
   * @throws ResilienceConfigError where there is no such name or command, several kinds have it and none is said, the reason is
   * missing, or what the command is given is wrong; a StoreUnavailableError or StoreTimeoutError where the fleet could not be told, then
   * nothing is done (`scope: 'instance'` works without a store).
   */
  async command(name: string, command: string, request: FleetCommandRequest): Promise<FleetCommandProgress> {
    const { kind: wanted, reason, ...rest } = { ...request };
    const location = `command ${formatValue(command)}`;
    if (typeof reason !== 'string' || reason.trim() === '')
      throw new ResilienceConfigError([`${location}: reason must be a text that says why, got ${formatValue(reason)}`]);
    const kind = wanted ?? this.kindOf(name, command, location);
    const look = this.controls.look(kind, name, command, { ...rest, reason });
    if (this.store === undefined || rest.scope === 'instance' || look.reachesFleet) {
      this.controls.run(kind, name, command, { ...rest, reason });
      const others = rest.scope === 'instance' ? [] : this.others();
      return { id: undefined, applied: [this.id], pending: others };
    }
    const { key, arguments: given, by } = rest;
    const told: ToldCommand = {
      kind,
      name,
      command,
      key,
      arguments: given,
      reason,
      by,
      origin: this.id,
      at: wallTimeOf(this.environment.clock),
    };
    const id = await this.store.fleet.tell(targetOf(told), JSON.stringify(told));
    await this.heartbeat!.beat();
    return this.progress(id);
  }

  /** Who has done by now what `command` told under that id. */
  progress(id: string): FleetCommandProgress {
    const heard = this.all(undefined).filter(isHeard);
    const has = ({ lastCommand }: FleetInstance): boolean => lastCommand !== undefined && !isLater(id, lastCommand);
    return { id, applied: idsOf(heard.filter(has)), pending: idsOf(heard.filter((one) => !has(one))) };
  }

  /** @internal The first heartbeat, and all that follow. */
  start(): void {
    const { store, heartbeat } = this;
    if (store === undefined || heartbeat === undefined || this.ignoreCommands !== undefined) return;
    this.ignoreCommands = store.fleet.onCommand(() => this.beatSoon());
    store.beforeStop(async () => {
      heartbeat.stop();
      this.ignoreCommands?.();
      this.outbox.open(false);
      await store.fleet.leave(this.id);
    });
    this.beatSoon();
  }

  private beat(position: FleetPosition | undefined): Omit<FleetBeat, 'seen'> {
    const about = JSON.stringify(identityOf(this.startedAt, position?.command));
    const text = this.isWatched ? JSON.stringify(this.controls.list()) : undefined;
    const snapshot = text !== undefined && text.length <= MAX_SNAPSHOT ? text : undefined;
    return { instance: this.id, about, snapshot, events: this.outbox.take(), isWatching: this.watchers > 0 };
  }

  private pulse({ position, members, isWatched, commands, events }: FleetPulse, how: CatchUp): void {
    const isNewlyWatched = isWatched && !this.isWatched;
    this.isWatched = isWatched;
    this.outbox.open(isWatched);
    this.roster.learn(members);
    if (how !== 'standing') for (const { text } of commands) this.tellCommand(text);
    this.log.apply(commands, how);
    this.log.lookAgain();
    const hasMoved = this.position !== undefined && this.position.command !== position.command;
    this.position = position;
    for (const { text } of events) {
      const event = readFleetEvent(text);
      if (event !== undefined && event.origin !== this.id) this.news.next(event);
    }
    // What others wait to see of this one they see at once.
    if (isNewlyWatched || hasMoved) this.beatSoon();
  }

  private tellCommand(text: string): void {
    const command = readCommand(text);
    if (command === undefined || this.watchers === 0) return;
    const { origin, at: timestamp, ...facts } = command;
    this.news.next({ origin, type: 'fleet.command', timestamp, facts });
  }

  private beatSoon(): void {
    if (this.heartbeat !== undefined) this.environment.background(this.heartbeat.beat(), 'the heartbeat');
  }

  private others(): string[] {
    return idsOf(this.all(undefined).filter((one) => !one.isSelf && isHeard(one)));
  }

  private all(snapshot: readonly InstanceSummary[] | undefined): readonly FleetInstance[] {
    const identity = identityOf(this.startedAt, this.position?.command);
    const self = { id: this.id, ...identity, isSelf: true, ageMs: 0, status: 'reporting' as const, snapshot };
    return [self, ...this.roster.list()];
  }

  private kindOf(name: string, command: string, location: string): string {
    const able = new Set(this.controls.commands().flatMap((one) => (one.command === command ? [one.kind] : [])));
    const named = this.controls.kindsOf(name);
    const [first, ...more] = named.filter((kind) => able.has(kind));
    if (first !== undefined && more.length === 0) return first;
    const problem =
      first === undefined
        ? `nothing of the name ${formatValue(name)} has it${named.length === 0 ? ', as there is nothing of that name' : ''}; name the kind where it is in other instances only`
        : `the name ${formatValue(name)} is of several kinds that have it: ${[first, ...more].join(', ')}; say which kind is meant`;
    throw new ResilienceConfigError([`${location}: ${problem}`]);
  }
}

function isHeard({ status }: FleetInstance): boolean {
  return status !== 'gone';
}

function idsOf(instances: readonly FleetInstance[]): string[] {
  return instances.map(({ id }) => id);
}
