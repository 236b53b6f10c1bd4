import type { Rules } from '../../options/rule.js';
import type { Environment } from '../environment.js';
import type { OptionSources, ResolvedOptions } from './resolved-options.js';

/** What a probe is told. */
export type HealthStatus = 'up' | 'degraded' | 'down';

/** What was found of one instance. */
export interface HealthFinding {
  readonly status: HealthStatus;
  readonly details: Readonly<Record<string, unknown>>;
  /** Calls alone make it well again, so what holds calls up inside of it is worth telling. */
  readonly needsCalls?: boolean;
}

/** How well the instances of a kind are. */
export interface HealthDeclaration<Instance> {
  /** What they are together: `circuitBreakers`. */
  readonly group: string;
  /** What whoever asks may say. */
  readonly rules: Rules;
  check(instance: Instance, options: ResolvedOptions): HealthFinding;
  /** Why no call gets through it although nobody gains by those that run; undefined where calls do. */
  blockedBy?(instance: Instance): string | undefined;
}

/** A part of the keys of an instance. */
export interface KeyPage {
  /** How many are passed over. @default 0 */
  readonly offset?: number;
  /** How many are wanted at most. @default 50 */
  readonly limit?: number;
}

/** What can be seen of one key: plain data. */
export interface KeySnapshot {
  readonly key: string;
  readonly [figure: string]: unknown;
}

/** Keys of an instance, those that need looking at first. */
export interface KeyListing {
  /** How many are known. */
  readonly total: number;
  readonly keys: readonly KeySnapshot[];
}

/** Something that can be done to an instance from outside. */
export interface CommandDeclaration<Instance> {
  /** What it does, in one sentence. */
  readonly meaning: string;
  /** What it is told, all of it required where there is no default. */
  readonly rules: Rules;
  /** Whether it can be meant for one key. */
  readonly keyed?: boolean;
  /** It counts for the moment in which it is given, and an application that starts later has nothing to do for it: a reset. */
  readonly momentary?: boolean;
  /** By itself it acts on all applications that share the instance, as its state is in their store. */
  reachesFleet?(instance: Instance): boolean;
  run(instance: Instance, given: ResolvedOptions, key: string | undefined, scope: CommandScope): void;
}

/** Whom a command is for: all that share the instance, where something is shared, or this application alone. */
export type CommandScope = 'fleet' | 'instance';

/** A part of what an earlier process saved of an instance. */
export interface SavedPart {
  readonly state: unknown;
  /** Milliseconds since then. */
  readonly elapsedMs: number;
}

/** What a kind's policies of one name share: how it is made, what can be seen of it, and what can be done to it. */
export interface InstanceDeclaration<
  Options extends object = ResolvedOptions,
  Instance extends object | undefined = object | undefined,
  Settings extends object = object,
> {
  /**
   * What an instance goes by, made of the options: plain data that all who use a name must agree on. Undefined where a
   * policy shares nothing.
   */
  settings(options: Options, sources: OptionSources): Settings | undefined;
  create(name: string, settings: Settings, options: Options, environment: Environment): Instance;
  /** One that lets everything pass, where operators have switched off what a name stands for. For kinds that are used by hand. */
  idle?(name: string, environment: Environment): NonNullable<Instance>;
  /** What can be seen of it now: plain data, durations in milliseconds, null for what there is not. No keys, and of errors the class. */
  snapshot(instance: NonNullable<Instance>, now: number): object;
  readonly health?: HealthDeclaration<NonNullable<Instance>>;
  /** Its keys. They may be somebody's, so they are shown to whom they may be shown. */
  keys?(instance: NonNullable<Instance>, page: Required<KeyPage>): KeyListing;
  /** What can be done to it, by name: `force-open`. */
  readonly commands?: Readonly<Record<string, CommandDeclaration<NonNullable<Instance>>>>;
  /** How many wait at it. A drain waits for them, and turns away those who are left. */
  waiting?(instance: NonNullable<Instance>): number;
  /** The drain is over: whoever waits is rejected. */
  rejectAll?(instance: NonNullable<Instance>): void;
  /** What another process needs to go on with it: plain data that nothing changes any more, in parts, each made when it is asked for. */
  save?(instance: NonNullable<Instance>, time: { now(): number }): Iterable<unknown>;
  /** It is new, and goes on with what an earlier process saved. Gives how many parts are not what `save` gives. */
  restore?(instance: NonNullable<Instance>, saved: readonly SavedPart[], time: { now(): number }): number;
  /** It has a name and has just been made: what it does by itself begins. */
  start?(instance: NonNullable<Instance>): void;
  /** The application shuts down. */
  stop?(instance: NonNullable<Instance>): void;
}
