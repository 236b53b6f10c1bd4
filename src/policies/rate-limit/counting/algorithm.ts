import type { Rate } from './units.js';

/**
 * One way of counting permits. Its state is `width` numbers from `at` on in an array that may hold thousands of them:
 * a key costs no object. All zeros is the state of a key that was never used.
 */
export interface Algorithm {
  readonly width: number;
  /** The most that one call can cost. */
  readonly capacity: number;
  /** Only the sum of what those cost that wait says when the next one is served, not in which portions they come. */
  readonly sumDecides: boolean;
  /** The earliest time, not before `now`, at which `cost` can be taken; `cost` is at most the capacity. */
  availableAt(state: Float64Array, at: number, now: number, cost: number): number;
  /** Takes `cost` at a time at which it is available. */
  take(state: Float64Array, at: number, time: number, cost: number): void;
  /** Takes `cost` if it is available now: the two above in one, for the hot path. */
  tryTake(state: Float64Array, at: number, now: number, cost: number): boolean;
  /** Takes `cost` so many times, each as soon as it is available, without a loop; gives when the last one is taken. */
  takeInTurn(state: Float64Array, at: number, now: number, cost: number, times: number): number;
  /** Takes back what was just taken. */
  giveBack(state: Float64Array, at: number, cost: number): void;
  /** Uses up `cost`, or what there is of it, whether it is available or not. */
  charge(state: Float64Array, at: number, now: number, cost: number): void;
  /** What could be taken now, in whole permits. */
  remaining(state: Float64Array, at: number, now: number): number;
  /** Milliseconds until all permits are back. */
  resetAfterMs(state: Float64Array, at: number, now: number): number;
  /** Makes the states of all keys, kept at another rate so far, its own: what is used up stays used up. */
  rescale(state: Float64Array, before: Rate, now: number): void;
}
