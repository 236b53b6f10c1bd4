import type { Units } from '../../policies/rate-limit/counting/units.js';
import type { SharedLimit } from '../../policies/rate-limit/shared/limit-store.js';

/** What is used up of one key of a limit, with the places in its line. Prices are in units. */
export interface SharedCount {
  readonly units: Units;
  /** Counts by the rate of that limit, as of that time, from now on. True where that is before what was counted last. */
  turnTo(limit: SharedLimit, now: number): boolean;
  /** Milliseconds until so much can be taken in turn. */
  availableIn(price: number): number;
  /** Takes it then; gives the stamp. */
  take(price: number): number;
  /** How many permits the line before a newcomer is long, where a leaky bucket has one. */
  readonly lineLength: number;
  /** What a stamp says now, without taking anything. */
  readonly stamp: number;
  readonly windowEndsInMs: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  giveBack(price: number, stamp: number): void;
  charge(price: number): void;
}
