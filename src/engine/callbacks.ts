import { isThenable } from './drivers/promises.js';

/**
 * Looks at what a function of the user's gave where nobody waits for it. A promise is looked after: where it is rejected,
 * that is reported and ends no process.
 * @returns true for a promise, or something like one.
 */
export function lookAfter(result: unknown, report: (error: unknown) => void): boolean {
  if (typeof result !== 'object' && typeof result !== 'function') return false;
  try {
    if (!isThenable(result)) return false;
  } catch (error) {
    report(error); // its `then` cannot be read
    return true;
  }
  // Not `result.then(...)`: the `then` of a stranger may throw, or call back twice.
  void new Promise((resolve) => resolve(result)).then(undefined, report);
  return true;
}
