/** How an attempt ended, as the layers around it are told. */
export const Outcome = {
  /** With a value: of the method, or of what answered in its place. */
  SUCCESS: 0,
  /** With an error that the method threw, or what answered in its place. */
  FAILURE: 1,
  /** An inner layer did not let it pass: no verdict on what is protected. */
  REJECTED: 2,
  /** A time limit passed. */
  TIMEOUT: 3,
  /** The caller gave up. */
  ABORT: 4,
  /** Another attempt answered: no verdict, and the end of no call. Only `abandoned` is told of it. */
  SUPERSEDED: 5,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** What an answer came from. */
export type Served = 'method' | 'cache' | 'stale' | 'fallback' | 'shared' | 'injected';

/** How something ended that a layer of a call waited for: with a value, or with an error and the way it failed. */
export interface Settlement {
  readonly outcome: Outcome;
  /** The value or the error. */
  readonly payload: unknown;
  /** @default 'method' */
  readonly served?: Served;
}
