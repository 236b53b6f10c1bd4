import type { Waiter } from '../waiting/waiter.js';
import type { Served } from './outcome.js';

/**
 * What answers in place of the method, tried tier by tier. Whoever drives the call calls `produce` and then tells exactly
 * one of the others how that ended; each gives the next tier, or undefined where there is none.
 */
export interface Substitute {
  /** What the answer comes from; one that is `injected` counts as the method itself having run. @default 'fallback' */
  readonly served?: Served;
  /** Makes the value: at once, as a promise, or as an Observable. May throw. */
  produce(): unknown;
  /** The tier gave a value; another substitute where that is not good enough. May throw instead. */
  answered(value: unknown): Substitute | undefined;
  /** The tier failed. Without a next one the error stands. */
  failed(error: unknown): Substitute | undefined;
}

/**
 * What now? Nothing (undefined), again after so many milliseconds (a number), answer with something else, or wait: what the
 * waiter is settled with is the end then; where it is granted, the end that was stands.
 */
export type Verdict = number | Substitute | Waiter | undefined;
