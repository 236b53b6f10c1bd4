import type { CommandDeclaration, HealthStatus, KeyListing, KeyPage } from '../engine/contract/instance.js';
import type { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyKind } from '../engine/contract/kind.js';
import type { Environment } from '../engine/environment.js';
import { ResilienceConfigError } from '../engine/error.js';
import type { ControlAppliedEvent } from '../engine/telemetry/operation-events.js';
import type { Registry } from '../engine/state/registry.js';
import { defaultsOf, formatValue, suggestion } from '../options/index.js';
import { readPage, readRequest, type CommandRequest } from './control-request.js';
import { HealthReader, type InstanceHealth } from './health.js';
import type { Operations } from './operations.js';

/** What policies of one name share, as it is now. */
export interface InstanceSummary {
  readonly kind: string;
  readonly name: string;
  /** How well it is; undefined where its kind says nothing of that. */
  readonly status: HealthStatus | undefined;
  /** How many wait at it. */
  readonly waiting: number;
  /** Plain data of its kind: durations in milliseconds, null for what there is not. */
  readonly snapshot: Readonly<Record<string, unknown>>;
}

/** A command of a kind, with what it takes. */
export interface CommandSummary {
  readonly kind: string;
  readonly command: string;
  readonly meaning: string;
  /** Whether it can be meant for one key. */
  readonly keyed: boolean;
  /** What each argument must be, in words that fit behind "must be". */
  readonly arguments: Readonly<Record<string, string>>;
}

/** What a command would do. */
export interface CommandLook {
  readonly instance: object | undefined;
  readonly isMomentary: boolean;
  readonly reachesFleet: boolean;
}

/** What policies share by name, whatever its kind: a dashboard, a probe, or a command line needs to know none of them. */
export class InstanceControls {
  private readonly healthReader: HealthReader;

  /** @internal */
  constructor(
    private readonly kinds: KindTable,
    private readonly registry: Registry,
    operations: Operations,
    private readonly environment: Environment,
  ) {
    this.healthReader = new HealthReader(kinds, registry, operations);
  }

  /**
   * All of them as they are now, of one kind where that is given.
   * @throws ResilienceConfigError for a kind that there is not.
   */
  list(kind?: string): readonly InstanceSummary[] {
    if (kind !== undefined) this.kindOf(kind, 'instances');
    return this.registry.list(kind).flatMap((named) => {
      const { instance: declared } = this.kinds.find(named.kind)!;
      if (declared === undefined) return [];
      const { instance, name } = named;
      const { health } = declared;
      return {
        kind: named.kind,
        name,
        status: health?.check(instance, defaultsOf(health.rules)).status,
        waiting: declared.waiting?.(instance) ?? 0,
        snapshot: { ...declared.snapshot(instance, this.environment.clock.now()) },
      };
    });
  }

  /**
   * The keys of one of them, page by page, those that need looking at first. Keys are often somebody's (a tenant, an address).
   * @throws ResilienceConfigError where there is no such instance.
   */
  keys(kindName: string, name: string, page: KeyPage = {}): KeyListing {
    const location = 'keys';
    const kind = this.kindOf(kindName, location);
    const instance = this.instanceOf(kind, name, location);
    return kind.instance?.keys?.(instance, readPage(page, `${location}:`)) ?? { total: 0, keys: [] };
  }

  /** What can be done by `run`, with what each takes. */
  commands(kind?: string): readonly CommandSummary[] {
    const kinds = kind === undefined ? [...this.kinds] : [this.kindOf(kind, 'commands')];
    return kinds.flatMap(({ kind: of, instance }) =>
      Object.entries(instance?.commands ?? {}).map(([command, { meaning, keyed = false, rules }]) => ({
        kind: of,
        command,
        meaning,
        keyed,
        arguments: Object.fromEntries(Object.entries(rules).map(([argument, { expects }]) => [argument, expects])),
      })),
    );
  }

  /**
   * Does something to one of them, e.g. `run('circuitBreaker', 'payments', 'force-open', { reason })`. Told as the event
   * `control.applied`.
   * @throws ResilienceConfigError where there is no such instance or command, or what it is given is wrong; then nothing is done.
   */
  run(kindName: string, name: string, commandName: string, request: CommandRequest = {}): void {
    const location = `command ${formatValue(commandName)}`;
    const kind = this.kindOf(kindName, location);
    const command = this.commandOf(kind, commandName, location);
    const instance = this.instanceOf(kind, name, location);
    const given = readRequest(command, request, location);
    const { key, reason, by, scope = 'fleet' } = request;
    command.run(instance, given, key, scope);
    const { events } = this.environment;
    if (events.hasListeners('control.applied')) {
      const facts = { policyName: name, kind: kind.kind, command: commandName, key, arguments: given, reason, by };
      events.emit<ControlAppliedEvent>('control.applied', undefined, facts);
    }
  }

  /**
   * @internal What a command would do, without doing it; `instance` is undefined where there is none of that name yet.
   * @throws ResilienceConfigError where there is no such command, or what it is given is wrong.
   */
  look(kindName: string, name: string, commandName: string, request: CommandRequest): CommandLook {
    const location = `command ${formatValue(commandName)}`;
    const kind = this.kindOf(kindName, location);
    const command = this.commandOf(kind, commandName, location);
    readRequest(command, request, location);
    const instance = this.registry.find(kind.kind, name);
    const { momentary: isMomentary = false } = command;
    return { instance, isMomentary, reachesFleet: instance !== undefined && command.reachesFleet?.(instance) === true };
  }

  /** @internal The kinds that have an instance of that name. */
  kindsOf(name: string): readonly string[] {
    return [...this.kinds].map(({ kind }) => kind).filter((kind) => this.registry.find(kind, name) !== undefined);
  }

  /**
   * How well they are, of one kind where that is given: what a readiness probe looks at. A name that is asked for and not there
   * is degraded: it is misspelt, or what it protects was never used.
   * @param options What the kind takes, and `names`; each kind has its defaults.
   * @param location What messages call whoever asks.
   * @throws ResilienceConfigError with every mistake in the options.
   */
  health(kind?: string, options: object = {}, location = 'health'): readonly InstanceHealth[] {
    const kinds = kind === undefined ? [...this.kinds] : [this.kindOf(kind, location)];
    return this.healthReader.read(kinds, options, location);
  }

  private kindOf(name: string, location: string): PolicyKind {
    const kind = this.kinds.find(name);
    if (kind === undefined) throw new ResilienceConfigError([`${location}: ${this.kinds.unknown(name)}`]);
    return kind;
  }

  private commandOf({ kind, instance }: PolicyKind, name: string, location: string): CommandDeclaration<object> {
    const commands = instance?.commands ?? {};
    if (Object.hasOwn(commands, name)) return commands[name]!;
    throw new ResilienceConfigError([`${location}: ${kind} has no command of that name${suggestion(name, Object.keys(commands))}`]);
  }

  private instanceOf({ kind }: PolicyKind, name: string, location: string): object {
    const instance = this.registry.find(kind, name);
    if (instance !== undefined) return instance;
    const names = this.registry.list(kind).map((one) => one.name);
    throw new ResilienceConfigError([`${location}: there is no ${kind} ${formatValue(name)}${suggestion(name, names)}`]);
  }
}
