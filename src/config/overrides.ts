import type { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyKind } from '../engine/contract/kind.js';
import { entriesOf, nearest, readOptions, formatValue, type Problems } from '../options/index.js';
import { EVERYTHING, type OverrideSource, type Adjustment } from './adjustments.js';

/** Options by kind, `false` to switch a kind off; `enabled` for all kinds. Plain data: a part of a YAML or JSON file. */
export type OverrideInput = Readonly<Record<string, unknown>>;

/** What one key says. */
interface Override {
  readonly enabled: boolean | undefined;
  readonly kinds: ReadonlyMap<string, Adjustment>;
}

/** `forRoot({ overrides })`: by `'*'`, class, policy name, and `Class.method`. */
export class Overrides implements OverrideSource {
  private readonly byKey = new Map<string, Override>();
  private readonly met = new Set<string>();
  private readonly seen = new Set<string>();

  constructor(input: Readonly<Record<string, unknown>>, kinds: KindTable, problems: Problems) {
    for (const [key, value] of Object.entries(input)) {
      const read = entriesOf(value);
      if (read !== undefined) this.byKey.set(key, readOverride(key, Object.fromEntries(read), kinds, problems));
      else problems.add(`overrides: ${formatValue(key)} must be an object that maps a kind to options or false, got ${formatValue(value)}`);
    }
  }

  adjust(scopes: readonly string[], kind: PolicyKind): readonly Adjustment[] {
    for (const scope of scopes) this.seen.add(scope);
    return scopes.flatMap((scope) => {
      const override = this.byKey.get(scope);
      if (override === undefined) return [];
      const ofKind = override.kinds.get(kind.kind);
      if (ofKind !== undefined) this.met.add(`${scope} ${kind.kind}`);
      const ofAll = override.enabled === undefined || kind.alwaysOn === true ? [] : [{ source: source(scope), enabled: override.enabled }];
      return ofKind === undefined ? ofAll : [...ofAll, ofKind];
    });
  }

  unmatched(): readonly string[] {
    return [...this.byKey].flatMap(([key, { kinds }]) => {
      if (key === EVERYTHING) return [];
      if (!this.seen.has(key)) {
        const meant = nearest(
          key,
          [...this.seen].filter((scope) => scope !== EVERYTHING),
        );
        return [
          `overrides: ${formatValue(key)} is no class, method or policy name${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
        ];
      }
      return [...kinds.keys()]
        .filter((kind) => !this.met.has(`${key} ${kind}`))
        .map((kind) => `overrides: ${formatValue(key)} has no ${kind}: an override changes only policies that are declared`);
    });
  }
}

function source(key: string): string {
  return `override ${key}`;
}

function readOverride(key: string, input: Record<string, unknown>, kinds: KindTable, problems: Problems): Override {
  const { enabled, ...byKind } = input;
  if (enabled !== undefined && typeof enabled !== 'boolean')
    problems.add(`overrides: ${formatValue(key)}: enabled must be true or false, got ${formatValue(enabled)}`);
  const read = new Map<string, Adjustment>();
  for (const [name, value] of Object.entries(byKind)) {
    const kind = kinds.find(name);
    if (kind === undefined) problems.add(`overrides: ${formatValue(key)}: ${kinds.unknown(name)}`);
    else read.set(name, readAdjustment(key, kind, value, problems));
  }
  return { enabled: typeof enabled === 'boolean' ? enabled : undefined, kinds: read };
}

function readAdjustment(key: string, kind: PolicyKind, value: unknown, problems: Problems): Adjustment {
  if (typeof value === 'boolean') return { source: source(key), enabled: value };
  const location = `overrides: ${formatValue(key)}: ${kind.kind}`;
  const given = entriesOf(value);
  if (given === undefined) {
    problems.add(`${location} must be an object with options, or false, got ${formatValue(value)}`);
    return { source: source(key) };
  }
  const { enabled, name, ...options } = Object.fromEntries(given);
  if (name !== undefined) problems.add(`${location}.name cannot be overridden: the name is what the policy is known by`);
  if (enabled !== undefined && typeof enabled !== 'boolean')
    problems.add(`${location}.enabled must be true or false, got ${formatValue(enabled)}`);
  const read = problems.at(location, (found) => readOptions(kind.rules, options, found));
  // Whoever gives options to a policy that a weaker word switched off wants it.
  return { source: source(key), enabled: typeof enabled === 'boolean' ? enabled : true, options: read };
}
