/**
 * What answers in place of the method, tried tier by tier. Whoever drives the call calls `produce` and then tells exactly
 * one of the others how that ended; each gives the next tier, or undefined where there is none.
 */
export interface Substitute {
  /** Makes the value: at once, as a promise, or as an Observable. May throw. */
  produce(): unknown;
  /** The tier gave a value; another substitute where that is not good enough. May throw instead. */
  answered(value: unknown): Substitute | undefined;
  /** The tier failed. Without a next one the error stands. */
  failed(error: unknown): Substitute | undefined;
}

/** What now? Nothing (undefined), again after so many milliseconds (a number), or answer with something else. */
export type Verdict = number | Substitute | undefined;
