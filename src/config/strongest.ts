import type { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyDeclaration } from '../engine/contract/kind.js';
import { entriesOf, formatValue, suggestion, type Problems } from '../options/index.js';
import { isCombined, isNone } from '../policies/composite.js';
import type { DeclaredLevel, OperationDeclaration } from './declaration.js';

/** One policy with whose word it is. */
export interface Sourced {
  readonly policy: PolicyDeclaration;
  readonly source: string;
  /** The operation has others of its kind. */
  readonly isOneOfSeveral: boolean;
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

/** The name that a policy was declared with. */
export function nameOf(policy: PolicyDeclaration): string | undefined {
  const { name } = policy as { readonly name?: unknown };
  return typeof name === 'string' ? name : undefined;
}

/**
 * Presets first, then the levels from weak to strong. A later one replaces an earlier one of its kind; where an operation may
 * have several of a kind, the one of its name, and the others stay beside it.
 */
export function strongestOfEach(
  operation: OperationDeclaration,
  { kinds, presets }: { readonly kinds: KindTable; readonly presets: Presets },
  problems: Problems,
): readonly Sourced[] {
  const strongest = new Map<string, Omit<Sourced, 'isOneOfSeveral'>>();
  const declare = (source: string, policies: readonly PolicyDeclaration[]): void => {
    const seen = new Set<string>();
    for (const policy of policies.flatMap((one) => membersOf(one, operation.id, problems))) {
      const several = kinds.find(policy.kind)?.several === true;
      const name = several ? (nameOf(policy) ?? operation.id) : '';
      const identity = `${policy.kind}\n${name}`;
      if (isNone(policy)) strongest.clear();
      else if (seen.has(identity)) problems.add(`${operation.id}: ${twice(policy, source, several)}`);
      else {
        seen.add(identity);
        strongest.delete(identity); // so that the order of the source is that of the strongest declarations
        strongest.set(identity, { policy, source });
      }
    }
  };
  for (const level of operation.levels) declarePresets(level, operation, presets, problems, declare);
  for (const level of operation.levels) declare(level.source, level.policies);
  return told([...strongest.values()], operation.id, problems);
}

function twice(policy: PolicyDeclaration, source: string, several: boolean): string {
  const name = nameOf(policy);
  if (several && name === undefined)
    return `${policy.kind} is declared twice without a name at the ${source}: from the second on each needs a name of its own`;
  if (several) return `${policy.kind} ${formatValue(name)} is declared twice at the ${source}: remove one, or give it another name`;
  return `${policy.kind} is declared twice at the ${source}, and an operation has one policy of this kind: remove one, or give it to an operation of its own inside of this one (another method, or wrap)`;
}

/** Says which are one of several; from the second on each must have a name. */
function told(all: readonly Omit<Sourced, 'isOneOfSeveral'>[], operationId: string, problems: Problems): readonly Sourced[] {
  return all.map((sourced, index) => {
    const { policy, source } = sourced;
    const ofKind = all.filter((other) => other.policy.kind === policy.kind);
    const isFirst = ofKind[0] === sourced;
    if (!isFirst && nameOf(policy) === undefined) {
      const first = nameOf(all.slice(0, index).findLast((other) => other.policy.kind === policy.kind)!.policy);
      problems.add(
        `${operationId}: ${policy.kind} of the ${source} needs a name, as there is ${formatValue(first)} too: a name of its own to have both, or that one to replace it`,
      );
    }
    return { ...sourced, isOneOfSeveral: ofKind.length > 1 };
  });
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
