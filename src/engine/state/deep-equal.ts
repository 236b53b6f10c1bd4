/** What is said of two functions: they are alike where they are the same one (`identity`), or always (`ignored`). */
export type Functions = 'identity' | 'ignored';

/**
 * Equal data. Functions are never compared by their text: equal text may hold on to other values.
 * @throws what a getter of the user's throws.
 */
export function deepEqual(a: unknown, b: unknown, functions: Functions): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a === 'function' && typeof b === 'function') return functions === 'ignored';
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = Object.keys(a);
  // What keeps its contents elsewhere (a Map, a Date) shows nothing to compare.
  if (keys.length === 0 && !Array.isArray(a) && a.constructor !== Object) return false;
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) => Object.hasOwn(b, key) && deepEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], functions),
    )
  );
}

/** Names of the options in which two sets of plain data differ. */
export function differences(a: object, b: object): string[] {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((key) => !deepEqual(left[key], right[key], 'ignored'));
}
