import type { KindTable } from '../engine/contract/kind-table.js';
import type { ResolvedPolicy } from '../engine/contract/kind.js';
import { formatValue, suggestion, type Problems } from '../options/index.js';
import type { Order } from './declaration.js';

/** Adds what is wrong with an order; says whether it can be gone by. */
export function checkOrder(order: Order | undefined, { places }: KindTable, problems: Problems): boolean {
  if (order === undefined || order === 'declared') return true;
  if (!Array.isArray(order)) {
    problems.add(`order must be 'declared' or a list of kinds (${places.join(', ')}), got ${formatValue(order)}`);
    return false;
  }
  const before = problems.messages.length;
  for (const name of order as readonly unknown[]) {
    if (places.includes(name as string)) continue;
    problems.add(`order names no kind ${formatValue(name)}${typeof name === 'string' ? suggestion(name, places) : ''}`);
  }
  if (new Set(order).size !== order.length) problems.add(`order names a kind twice: ${formatValue(order)}`);
  return problems.messages.length === before;
}

/** Policies outermost first, with the place of what bounds the whole where the order names that. */
export function inOrder(policies: readonly ResolvedPolicy[], order: Order | undefined, kinds: KindTable): readonly ResolvedPolicy[] {
  if (order === 'declared') return policies;
  const places = placesBy(order ?? [], kinds.places);
  const placeOf = (name: string): number => places.indexOf(name);
  // Those of one kind keep the order in which they were declared.
  const sorted = policies.toSorted((a, b) => placeOf(a.kind.kind) - placeOf(b.kind.kind));
  return sorted.map((policy) => withTotal(policy, sorted, order ?? [], placeOf));
}

function withTotal(
  policy: ResolvedPolicy,
  all: readonly ResolvedPolicy[],
  named: readonly string[],
  placeOf: (name: string) => number,
): ResolvedPolicy {
  const { totalPlace } = policy.kind;
  if (totalPlace === undefined || !named.includes(totalPlace)) return policy;
  return { ...policy, totalInsideOf: all.filter(({ kind }) => placeOf(kind.kind) < placeOf(totalPlace)).length };
}

/** Those that are named stand, in the order given, at the places that they hold together; the others keep their own. */
function placesBy(named: readonly string[], canonical: readonly string[]): readonly string[] {
  const given = named.values();
  return canonical.map((place) => (named.includes(place) ? given.next().value! : place));
}
