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
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
