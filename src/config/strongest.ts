import type { PolicyDeclaration } from '../engine/contract/kind.js';
import { entriesOf, formatValue, suggestion, type Problems } from '../options/index.js';
import { isCombined, isNone } from '../policies/composite.js';
import type { DeclaredLevel, OperationDeclaration } from './declaration.js';

/** One policy with whose word it is. */
export interface Sourced {
  readonly policy: PolicyDeclaration;
  readonly source: string;
}

/** Named policies. */
type Presets = Readonly<Record<string, PolicyDeclaration>>;

/**
 * The single policies that a declaration comes to; what is none is a problem.
 * @param outer The combined policies that it stands in.
 */
export function membersOf(
  declared: unknown,
  location: string,
  problems: Problems,
  outer: readonly unknown[] = [],
): readonly PolicyDeclaration[] {
  if (outer.includes(declared)) {
    problems.add(`${location}: a combined policy contains itself`);
    return [];
  }
  const policy = Object.fromEntries(entriesOf(declared) ?? []) as Partial<PolicyDeclaration>;
  if (typeof policy.kind !== 'string') {
    problems.add(`${location}: a policy is what policies.retry(...) and the like give, got ${formatValue(declared)}`);
    return [];
  }
  if (!isCombined(policy as PolicyDeclaration)) return [policy as PolicyDeclaration];
  const inner: unknown = (policy as { policies?: unknown }).policies;
  if (!Array.isArray(inner)) {
    problems.add(`${location}: policies of a combined policy must be a list, got ${formatValue(inner)}`);
    return [];
  }
  const members = inner.flatMap((one) => membersOf(one, location, problems, [...outer, declared]));
  if (members.length > 1 && members.some(isNone)) {
    problems.add(`${location}: combine(...) has none() beside other policies, which would take them away: leave out the one or the others`);
  }
  return members;
}

/** Presets first, then the levels from weak to strong; later ones replace earlier ones of their kind. */
export function strongestOfEachKind(operation: OperationDeclaration, presets: Presets, problems: Problems): readonly Sourced[] {
  const strongest = new Map<string, Sourced>();
  const declare = (source: string, policies: readonly PolicyDeclaration[]): void => {
    const seen = new Set<string>();
    for (const policy of policies.flatMap((one) => membersOf(one, operation.id, problems))) {
      if (isNone(policy)) strongest.clear();
      else if (seen.has(policy.kind))
        problems.add(
          `${operation.id}: ${policy.kind} is declared twice at the ${source}, and an operation has one policy of each kind: remove one, or give it to an operation of its own inside of this one (another method, or wrap)`,
        );
      else {
        seen.add(policy.kind);
        strongest.delete(policy.kind); // so that the order of the source is that of the strongest declarations
        strongest.set(policy.kind, { policy, source });
      }
    }
  };
  for (const level of operation.levels) declarePresets(level, operation, presets, problems, declare);
  for (const level of operation.levels) declare(level.source, level.policies);
  return [...strongest.values()];
}

function declarePresets(
  level: DeclaredLevel,
  operation: OperationDeclaration,
  presets: Presets,
  problems: Problems,
  declare: (source: string, policies: readonly PolicyDeclaration[]) => void,
): void {
  for (const name of level.presets ?? []) {
    const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
    if (preset !== undefined) declare(`preset ${name}`, [preset]);
    else
      problems.add(
        `${operation.id}: there is no preset "${name}"${suggestion(name, Object.keys(presets))}; name it in forRoot({ presets })`,
      );
  }
}
