import { ResilienceConfigError } from '../engine/error.js';
import type { KindTable } from '../engine/contract/kind-table.js';
import { explicitOptions, type PolicyDeclaration, type PolicyKind, type ResolvedPolicy } from '../engine/contract/kind.js';
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
  return !adjust({ kind, options: { name }, sources: {} }, scopesOf(name, name), settings, new Problems());
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
    const library = defaultsOf(kind.rules);
    const ofProfile = readOptions(kind.rules, settings.profile.defaults[kindName] ?? {}, new Problems());
    const application = readOptions(kind.rules, settings.defaults[kindName] ?? {}, new Problems());
    const declared = readOptions(kind.rules, written, found);
    const extra = operation.critical === true && Object.hasOwn(kind.rules, 'critical') ? { critical: true } : {};
    const options: Record<string, unknown> = { ...library, ...ofProfile, ...application, ...extra, ...declared };
    const sources = Object.fromEntries([
      ...Object.keys(library).map((option) => [option, 'default']),
      ...Object.keys(ofProfile).map((option) => [option, settings.profile.source]),
      ...Object.keys(application).map((option) => [option, 'defaults']),
      ...Object.keys({ ...extra, ...declared }).map((option) => [option, source]),
    ]) as Record<string, string>;
    const isOn = adjust({ kind, options, sources }, scopesOf(operation.id, options['name'], isOneOfSeveral), settings, problems);
    if (isOn && found.messages.length === 0) {
      kind.check?.(options, explicitOptions(sources), found);
      kind.checkTarget?.(options, operation.target, found);
    }
    const { name = operation.id } = options as { readonly name?: string };
    return { policy: { kind, name, options, sources }, isOn };
  });
}

/** Puts in what operators say; false where they switch the policy off. */
function adjust(
  { kind, options, sources }: { kind: PolicyKind; options: Record<string, unknown>; sources: Record<string, string> },
  scopes: readonly string[],
  { adjusters }: Settings,
  problems: Problems,
): boolean {
  let enabled = true;
  for (const adjustment of adjusters.flatMap((adjuster) => adjuster.adjust(scopes, kind, problems))) {
    enabled = adjustment.enabled ?? enabled;
    for (const [option, value] of Object.entries(adjustment.options ?? {})) {
      options[option] = value;
      sources[option] = adjustment.source;
    }
  }
  return enabled;
}
