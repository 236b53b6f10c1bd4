import { closest, distance } from 'fastest-levenshtein';

/** The known name that a misspelt one was most likely meant to be, or `undefined` where none is near. */
export function nearest(wrong: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  if (names.length === 0) return undefined;
  const lower = new Map(names.map((name) => [name.toLowerCase(), name]));
  const best = closest(wrong.toLowerCase(), [...lower.keys()]);
  return distance(wrong.toLowerCase(), best) <= Math.max(2, Math.floor(wrong.length / 3)) ? lower.get(best) : undefined;
}

/** `; did you mean "maxAttempts"?`, or nothing. */
export function suggestion(wrong: string, known: Iterable<string>): string {
  const name = nearest(wrong, known);
  return name === undefined ? '' : `; did you mean "${name}"?`;
}
