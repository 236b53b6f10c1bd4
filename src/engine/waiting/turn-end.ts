/** Kept at load, so that fake timers of a test framework do not stop it. */
const immediate = setImmediate;

/** Calls back when this turn of the event loop is over: what came in during it can be done in one go. */
export function atEndOfTurn(callback: () => void): void {
  immediate(callback);
}
