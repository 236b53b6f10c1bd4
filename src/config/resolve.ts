import { ResilienceConfigError } from '../engine/error.js';
import type { KindTable } from '../engine/contract/kind-table.js';
import {
  explicitOptions,
  type OptionSources,
  type PolicyDeclaration,
  type PolicyKind,
  type ResolvedPolicy,
} from '../engine/contract/kind.js';
import { defaultsOf, isRecord, Problems, readOptions, formatValue } from '../options/index.js';
import { isNone } from '../policies/composite.js';
import { scopesOf, type OverrideSource } from './adjustments.js';
import type { OperationDeclaration, Order } from './declaration.js';
import { checkOrder, inOrder } from './order.js';
import { membersOf, nameOf, strongestOfEach, type Sourced } from './strongest.js';

/** Options by kind. */
export type ByKind = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the application says about all operations. */
export interface Settings {
  readonly kinds: KindTable;
  readonly enabled: boolean;
  /** What a profile says of each kind: stronger than the library's defaults, weaker than `defaults`, option by option. */
  readonly profile: { readonly source: string; readonly defaults: ByKind };
  readonly defaults: ByKind;
  readonly presets: Readonly<Record<string, PolicyDeclaration>>;
  readonly order: Order | undefined;
  /** What operators say, weakest first: overrides, then environment variables. */
  readonly adjusters: readonly OverrideSource[];
}

/** What a declaration comes to. */
export interface Resolution {
  /** Outermost first. */
  readonly policies: readonly ResolvedPolicy[];
  /** Declared, and switched off by operators. */
  readonly switchedOff: readonly ResolvedPolicy[];
}

/**
 * The policies of an operation, outermost first, every option decided: library defaults, then `defaults`, then what was
 * declared. A declaration replaces a weaker one of its kind as a whole; of a kind that there may be several of, the one of its name.
 * @throws ResilienceConfigError with every mistake.
 */
export function resolve(operation: OperationDeclaration, settings: Settings): Resolution {
  const problems = new Problems();
  const strongest = strongestOfEach(operation, settings, problems);
  const all = strongest.map((sourced) => resolvePolicy(sourced, operation, settings, problems)).filter((policy) => policy !== undefined);
  const resolved = all.filter(({ isOn }) => isOn).map(({ policy }) => policy);
  const order = operation.levels.findLast((level) => level.order !== undefined)?.order ?? settings.order;
  problems.at(`${operation.id}:`, (found) => checkOrder(order, settings.kinds, found));
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  const ordered = inOrder(resolved, order, settings.kinds);
  const works = ({ kind }: ResolvedPolicy): boolean => settings.enabled || kind.alwaysOn === true;
  const switchedOff = all.flatMap(({ policy, isOn }) => (isOn && works(policy) ? [] : [policy]));
  return { policies: ordered.filter(works), switchedOff };
}

/** Whether an operator has switched off the policies of a kind that have this name, as far as they can be spoken of by it. */
export function isSwitchedOff(kind: PolicyKind, name: string, settings: Settings): boolean {
  if (!settings.enabled && kind.alwaysOn !== true) return true;
  return !adjust({ kind, options: { name }, sources: {} }, scopesOf(name, name), settings, new Problems()).isOn;
}

/** Checks what the application says, before any operation is looked at. */
export function checkSettings(settings: Settings, problems: Problems): void {
  const { kinds } = settings;
  for (const [name, options] of Object.entries(settings.defaults)) {
    if (options === undefined) continue;
    const kind = kinds.find(name);
    if (kind === undefined) problems.add(`defaults: ${kinds.unknown(name)}`);
    else if (isRecord(options)) problems.at(`defaults: ${name}`, (found) => readOptions(kind.rules, options, found));
    else problems.add(`defaults: ${name} must be an object with options, got ${formatValue(options)}`);
  }
  for (const [name, preset] of Object.entries(settings.presets)) {
    for (const policy of membersOf(preset, `preset "${name}"`, problems)) {
      if (!isNone(policy) && kinds.find(policy.kind) === undefined) problems.add(`preset "${name}": ${kinds.unknown(policy.kind)}`);
    }
  }
  checkOrder(settings.order, kinds, problems);
}

function resolvePolicy(
  { policy, source, isOneOfSeveral }: Sourced,
  operation: OperationDeclaration,
  settings: Settings,
  problems: Problems,
): { readonly policy: ResolvedPolicy; readonly isOn: boolean } | undefined {
  const { kind: kindName, ...written } = policy;
  const kind = settings.kinds.find(kindName);
  if (kind === undefined) {
    problems.add(`${operation.id}: ${settings.kinds.unknown(kindName)}`);
    return undefined;
  }
  const title = operation.decorated ? `@${kind.label}` : kindName;
  const label = source.startsWith('preset') ? `${source}: ${kindName}` : isOneOfSeveral ? `${title} ${formatValue(nameOf(policy))}` : title;
  return problems.at(`${operation.id}: ${label}`, (found) => {
    const undeclared = undeclaredOf(kind, settings);
    const declared = readOptions(kind.rules, written, found);
    const extra = operation.critical === true && Object.hasOwn(kind.rules, 'critical') ? { critical: true } : {};
    const own = Object.assign(extra, declared);
    const options: Record<string, unknown> = Object.assign({}, undeclared.options, own);
    const declaredSources = sourcesFor(undeclared, Object.keys(own), source);
    const scopes = scopesOf(operation.id, options['name'], isOneOfSeveral);
    const { isOn, sources } = adjust({ kind, options, sources: declaredSources }, scopes, settings, problems);
    if (isOn && found.messages.length === 0) {
      kind.check?.(options, explicitOptions(sources), found);
      kind.checkTarget?.(options, operation.target, found);
    }
    const { name = operation.id } = options as { readonly name?: string };
    return { policy: { kind, name, options, sources }, isOn };
  });
}

/** Options with their sources. */
interface Base {
  readonly options: Readonly<Record<string, unknown>>;
  readonly sources: Readonly<Record<string, string>>;
  /** With those of a declaration, by what it names: most policies of a kind name the same options. */
  readonly declared: Map<string, OptionSources>;
}

/** So many sets of sources of a kind are shared. */
const MAX_SHARED = 100;

/** By kind, for as long as the settings are there: a start asks for the same ones thousands of times. */
const bases = new WeakMap<Settings, Map<PolicyKind, Base>>();

/** The options of a kind that nobody declares: library defaults, then those of the profile, then those of the application. */
function undeclaredOf(kind: PolicyKind, settings: Settings): Base {
  let byKind = bases.get(settings);
  if (byKind === undefined) bases.set(settings, (byKind = new Map<PolicyKind, Base>()));
  let base = byKind.get(kind);
  if (base === undefined) byKind.set(kind, (base = readUndeclared(kind, settings)));
  return base;
}

function readUndeclared({ kind, rules }: PolicyKind, { profile, defaults }: Settings): Base {
  const library = defaultsOf(rules);
  const ofProfile = readOptions(rules, profile.defaults[kind] ?? {}, new Problems());
  const application = readOptions(rules, defaults[kind] ?? {}, new Problems());
  const sources = Object.fromEntries([
    ...Object.keys(library).map((option) => [option, 'default']),
    ...Object.keys(ofProfile).map((option) => [option, profile.source]),
    ...Object.keys(application).map((option) => [option, 'defaults']),
  ]) as Record<string, string>;
  return { options: { ...library, ...ofProfile, ...application }, sources, declared: new Map<string, OptionSources>() };
}

/** The sources of a policy that declares these options. */
function sourcesFor({ sources, declared }: Base, options: readonly string[], source: string): OptionSources {
  const key = `${source} ${options.join()}`;
  const known = declared.get(key);
  if (known !== undefined) return known;
  const made: Record<string, string> = Object.assign({}, sources);
  for (const option of options) made[option] = source;
  if (declared.size < MAX_SHARED) declared.set(key, made);
  return made;
}

/** Puts in what operators say: gives whether the policy stays on, and the sources, which are others where an option is. */
function adjust(
  { kind, options, sources }: { kind: PolicyKind; options: Record<string, unknown>; sources: OptionSources },
  scopes: readonly string[],
  { adjusters }: Settings,
  problems: Problems,
): { readonly isOn: boolean; readonly sources: OptionSources } {
  let isOn = true;
  const adjusted: Record<string, string> = {};
  for (const adjustment of adjusters.flatMap((adjuster) => adjuster.adjust(scopes, kind, problems))) {
    isOn = adjustment.enabled ?? isOn;
    for (const [option, value] of Object.entries(adjustment.options ?? {})) {
      options[option] = value;
      adjusted[option] = adjustment.source;
    }
  }
  return { isOn, sources: Object.keys(adjusted).length === 0 ? sources : { ...sources, ...adjusted } };
}
