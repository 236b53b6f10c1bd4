import type { Outcome, Settlement } from '../contract/outcome.js';

/** Why a call was cut off, and at which layer (-1: the caller's abort, outside all of them). */
export interface Interruption {
  readonly layer: number;
  readonly outcome: Outcome;
  readonly reason: unknown;
  /** How the call ends, where another attempt has answered. */
  readonly settlement?: Settlement;
}
