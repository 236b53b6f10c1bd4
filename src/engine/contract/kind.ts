import type { Problems } from '../../options/problems.js';
import type { DataOf, OptionsOf, Rules } from '../../options/rule.js';
import type { Environment } from '../environment.js';
import type { LayerCounters } from '../telemetry/operation-counts.js';
import type { InstanceDeclaration } from './instance.js';
import type { OptionSources, ResolvedOptions } from './resolved-options.js';
import type { Strategy } from './strategy.js';
import type { EventBase, EventDeclaration } from '../telemetry/events.js';
import type { MetricDeclaration } from '../telemetry/metric.js';

export type { OptionSources, ResolvedOptions } from './resolved-options.js';

/** A declaration of what is wanted: plain data beside the functions that the user gave. */
export interface PolicyDeclaration {
  readonly kind: string;
}

/** Where a strategy is being built. */
export interface BuildContext<Instance extends object | undefined = object | undefined> {
  readonly operationId: string;
  /** What the policy goes by: its own name, or that of the operation. */
  readonly name: string;
  readonly environment: Environment;
  /** What the kind's `instance` made for the name of the policy; undefined where it shares nothing. */
  readonly instance: Instance;
  /** All policies of the operation, outermost first, where it is compiled for the first time: who has something to warn of says it now. */
  readonly policies: readonly ResolvedPolicy[] | undefined;
}

/** One strategy of a policy and where it stands when not at the place of its kind. */
export interface BuiltLayer {
  readonly strategy: Strategy;
  /** The options that this layer goes by, where the policy has other layers too. */
  readonly options?: readonly string[];
  /** For a layer that bounds everything but what works also where resilience is off, whatever the order. */
  readonly place?: 'total';
}

/** One number of a kind that `metrics()` shows: counted at the layers of operations, or by the instances themselves. */
export interface CounterDeclaration {
  /** Name in `metrics()`. */
  readonly name: string;
  readonly meaning: string;
  /** Which tally of a layer it is ... */
  readonly counter?: 'rejections' | 'repeats' | 'answers' | 'timeouts';
  /** ... or how it is read from an instance, which several operations may share. */
  readonly read?: (instance: unknown) => number;
}

/** A layer of an operation, as metrics read it: the strategy, and what was counted at its place. */
export interface LayerReading<Deciding = Strategy> {
  readonly strategy: Deciding;
  readonly counters: LayerCounters;
}

/** What can be seen of a kind from outside. */
export interface TelemetryDeclaration<Event extends EventBase = EventBase> {
  /** By type: all that its events can be. */
  readonly events: Readonly<Record<Event['type'], EventDeclaration>>;
  readonly counters: readonly CounterDeclaration[];
  /** Metrics of the instances that operations share by name (`sharesInstances`), else of the layers (`LayerReading`). */
  readonly metrics: readonly MetricDeclaration[];
  readonly sharesInstances?: boolean;
}

/**
 * All that the rest of the library knows of a kind of policy. A new kind is one of these and a line in the kind table.
 *
 * `Options` are what its rules make of what is written (`OptionsOf<typeof rules>`), `Instance` is what policies of one name share,
 * and `Settings` what an instance goes by.
 */
export interface PolicyKind<
  Options extends object = ResolvedOptions,
  Instance extends object | undefined = object | undefined,
  Settings extends object = object,
> {
  /** `retry`, `circuitBreaker`: the key in `defaults`, `overrides` and `order`. */
  readonly kind: string;
  /** The decorator without its `@`, for messages. */
  readonly label: string;
  readonly rules: Rules;
  readonly telemetry: TelemetryDeclaration;
  /** An operation may have several of it, each by its name; from the second on a name is required. */
  readonly several?: boolean;
  /** What `order` calls the place of its layers that bound the whole (`BuiltLayer.place`). */
  readonly totalPlace?: string;
  /** Works also where resilience is switched off (`enabled: false`). */
  readonly alwaysOn?: boolean;
  /** Where policies of one name share something. */
  readonly instance?: InstanceDeclaration<Options, Instance, Settings>;
  /** Options that a live instance cannot change, beside `name` and functions. */
  readonly fixed?: readonly string[];
  /** What is wrong with several options together. `given` are those that somebody wrote. */
  check?(options: Options, given: ReadonlySet<string>, problems: Problems): void;
  /** What is wrong with the options for the object that is protected; there is none for a function. */
  checkTarget?(options: Options, target: object | undefined, problems: Problems): void;
  build(options: Options, context: BuildContext<Instance>): readonly BuiltLayer[];
}

/** A policy whose every option is decided, with whose word each was. Its identity is kind and name. */
export interface ResolvedPolicy {
  readonly kind: PolicyKind;
  /** Its own name, or that of its operation. */
  readonly name: string;
  readonly options: ResolvedOptions;
  readonly sources: OptionSources;
  /** So many of the operation's policies stand outside of its layer that bounds the whole, where an order names that. */
  readonly totalInsideOf?: number;
}

/** Options that somebody wrote down, at whatever level; the others are the library's defaults. */
export function explicitOptions(sources: OptionSources): ReadonlySet<string> {
  return new Set(Object.keys(sources).filter((option) => sources[option] !== 'default'));
}

/**
 * Whether one option stands beside another one: written at its level or at a stronger one. What an application says of all
 * policies (`defaults`, a profile) stands beside nothing that a single policy says.
 */
export function isBeside(sources: OptionSources, option: string, other: string): boolean {
  return rankOf(sources[option]) > 0 && rankOf(sources[option]) >= rankOf(sources[other]);
}

function rankOf(source: string | undefined): number {
  if (source === undefined || source === 'default') return 0;
  if (source.startsWith('profile ')) return 1;
  return source === 'defaults' ? 2 : 3;
}

/** Whether it has a name of its own; one that has none belongs to its operation alone. */
export function isNamed({ options }: Pick<ResolvedPolicy, 'options'>): boolean {
  return options['name'] !== undefined;
}

/** The options that are plain data: what two users of one name must agree on. Functions belong to each use. */
export function dataOf<All extends Rules>(rules: All, options: OptionsOf<All>): DataOf<All> {
  const isData = (option: string): boolean => option !== 'name' && rules[option]?.isFunction !== true;
  return Object.fromEntries(Object.entries(options).filter(([option]) => isData(option))) as DataOf<All>;
}
