import { EnvironmentVariables, Overrides, checkSettings, type EnvOptions, type OverrideSource, type Settings } from '../config/index.js';
import { ResilienceConfigError } from '../engine/error.js';
import { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyKind } from '../engine/contract/kind.js';
import { deepEqual } from '../engine/state/deep-equal.js';
import {
  choice,
  entriesOf,
  flag,
  formatValue,
  isRecord,
  Problems,
  readOptions,
  rule,
  suggestion,
  text,
  type Rule,
} from '../options/index.js';
import { PROFILES, type Profile } from './profiles.js';
import { kindTable, type Policy } from '../policies/index.js';
import type { ResilienceOptions } from './options.js';

/** A plain object whose getters do not throw. */
const readable = (value: unknown): unknown => (isRecord(value) && entriesOf(value) !== undefined ? value : undefined);

const plainObject = rule('an object that can be read', readable);

/** Whether it has what every kind has. */
function isKind(value: unknown): value is PolicyKind {
  if (!isRecord(value)) return false;
  const { kind, label, rules, telemetry, build } = value;
  return typeof kind === 'string' && typeof label === 'string' && isRecord(rules) && isRecord(telemetry) && typeof build === 'function';
}

const aFunction = rule('a function', (value) => (typeof value === 'function' ? value : undefined));

/** An object with these methods, of whatever class. */
function having(...methods: readonly string[]): Rule {
  return rule(`an object with ${methods.join(', ')}`, (value) =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
      ? value
      : undefined,
  );
}

/** Values are no part of a message: variables hold secrets. */
const variables: Rule = {
  ...plainObject,
  read(value, path, problems) {
    if (readable(value) === undefined) return plainObject.read(value, path, problems);
    for (const [name, one] of entriesOf(value)!)
      if (one !== undefined && typeof one !== 'string') problems.add(`${path}.${name} must be a text, got a ${typeof one}`);
    return value;
  },
};

const envRules = { prefix: text(), variables } satisfies Record<keyof EnvOptions, Rule>;

function readEnv(value: unknown, path: string, problems: Problems): unknown {
  if (typeof value === 'boolean') return value;
  const given = readable(value);
  if (given !== undefined) problems.at(`${path}:`, (found) => readOptions(envRules, given as Record<string, unknown>, found));
  else problems.add(`${path} must be true, false, or an object with prefix, variables, got ${formatValue(value)}`);
  return value;
}

const optionRules = {
  clock: having('now', 'setTimer', 'clearTimer'),
  random: aFunction,
  profile: choice(Object.keys(PROFILES)),
  defaults: plainObject,
  presets: plainObject,
  overrides: plainObject,
  env: { expects: 'true, false, or an object with prefix, variables', read: readEnv },
  order: rule("'declared' or a list of kinds", (value) => value),
  kinds: rule('a list of kinds, each with kind, label, rules, telemetry and build', (value) =>
    Array.isArray(value) && value.every(isKind) ? value : undefined,
  ),
  enabled: flag({ default: true }),
  stackTraces: flag({ default: false }),
  store: having('open'),
  snapshots: rule('what fileStore({ path }) gives', (value) => having('open').read(value, '', new Problems())),
  onEvent: aFunction,
  logger: having('warn', 'error'),
} satisfies Record<keyof ResilienceOptions, Rule>;

/** What a file may say beside the options. */
const IGNORED = new Set(['$schema']);

/** Checks the options of an application, and that there are no others. */
function checkOptions(options: ResilienceOptions, problems: Problems): void {
  const given = entriesOf(options);
  if (given === undefined) problems.add(`the options must be an object, got ${formatValue(options)}`);
  for (const [option, value] of given ?? []) {
    const read = Object.hasOwn(optionRules, option) ? optionRules[option as keyof ResilienceOptions] : undefined;
    if (read !== undefined && value !== undefined) read.read(value, option, problems);
    else if (read === undefined && !IGNORED.has(option)) {
      problems.add(`there is no option "${option}"${suggestion(option, Object.keys(optionRules))}`);
    }
  }
}

/**
 * What the options of an application come to.
 * @throws ResilienceConfigError with every mistake in them, in `overrides` and in environment variables.
 */
export function settingsFrom(options: ResilienceOptions): Settings {
  const problems = new Problems();
  checkOptions(options, problems);
  // What else is wrong can be told only of options that have the right shape.
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  const { env = profileOf(options)?.env ?? false, overrides = {}, defaults = {}, presets = {}, order } = options;
  const kinds = withOwn(options, problems);
  const adjusters: OverrideSource[] = [new Overrides(overrides, kinds, problems)];
  const variables = env === false ? undefined : new EnvironmentVariables(env === true ? {} : env);
  if (variables !== undefined) {
    variables.checkAll(kinds, problems);
    adjusters.push(variables);
  }
  const settings: Settings = {
    kinds,
    enabled: variables?.enabled(problems) ?? options.enabled ?? true,
    adjusters,
    profile: { source: `profile ${options.profile}`, defaults: (profileOf(options)?.defaults ?? {}) as Settings['defaults'] },
    defaults: defaults as Settings['defaults'],
    presets,
    order,
  };
  checkSettings(settings, problems);
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return settings;
}

/** The kinds of the library and those of the application, outermost first. */
function withOwn({ kinds = [] }: ResilienceOptions, problems: Problems): KindTable {
  const all: readonly PolicyKind[] = [...kindTable, ...(kinds as readonly PolicyKind[])];
  for (const [index, { kind }] of all.entries()) {
    if (all.findIndex((one) => one.kind === kind) < index) problems.add(`kinds: there is a kind "${kind}" already`);
  }
  return new KindTable(all);
}

/** What the profile of an application says. */
export function profileOf({ profile }: ResilienceOptions): Profile | undefined {
  return profile === undefined ? undefined : PROFILES[profile];
}

/**
 * The same with more presets, for operations that are compiled from now on.
 * @throws ResilienceConfigError where a name is there already with another policy, or a policy is wrong.
 */
export function withPresets(settings: Settings, presets: Readonly<Record<string, Policy>>): Settings {
  const problems = new Problems();
  const before = settings.presets;
  for (const [name, policy] of Object.entries(presets)) {
    if (Object.hasOwn(before, name) && !deepEqual(before[name], policy, 'identity'))
      problems.add(`preset "${name}" is there already, with another policy`);
  }
  const next = { ...settings, presets: { ...before, ...presets } };
  checkSettings(next, problems);
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return next;
}
