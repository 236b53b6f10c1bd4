import type { RateLimitAlgorithm } from '../rate-limit.policy.js';

/** What a store knows of a limit: equal names share permits, and who changes the rate of one keeps what is used up. */
export interface SharedLimit {
  readonly name: string;
  readonly algorithm: RateLimitAlgorithm;
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

/** How long a permit may be waited for, and how many may wait. */
export interface Patience {
  readonly maxWaitMs: number;
  /** Of a leaky bucket: so many permits may stand in its line, over the whole fleet. */
  readonly maxQueue: number;
}

/** So many askers want the same. */
export interface PermitAsk {
  /** Undefined for the common limit. */
  readonly key: string | undefined;
  readonly cost: number;
  readonly times: number;
}

/** When a permit that has to be waited for may be used, and which part of time it is counted in (see `PermitAnswer.stamp`). */
export interface Turn {
  readonly waitMs: number;
  readonly stamp: number;
}

/** What the store says to one ask. */
export interface PermitAnswer {
  /** How many of the askers have their permits, the first of them first. */
  readonly granted: number;
  /** Where not all have: when one of that cost would have got them, in milliseconds. */
  readonly retryAfterMs: number;
  /** What is left of the limit after this, in whole permits. */
  readonly remaining: number;
  /** Milliseconds until all permits are back. */
  readonly resetAfterMs: number;
  /** Which window the permits were counted in: whoever gives one back says it, so that no other window gets it. */
  readonly stamp: number;
  /** Milliseconds until that window ends; 0 for buckets. */
  readonly windowEndsInMs: number;
  /** Of each that was granted, where waiting was allowed. */
  readonly turns?: readonly Turn[];
}

/** Permits that were taken for nothing, or without asking. */
export interface Correction {
  readonly key: string | undefined;
  readonly cost: number;
  /** Of the answer that gave them. */
  readonly stamp: number;
}

/**
 * Where permits of several processes are counted. Every promise is settled in a bounded time: a store that does not answer rejects.
 */
export interface LimitStore {
  /**
   * Takes permits, all of one limit in one go and in the order given. Without `patience` only what there is now; with it places in
   * the line, which is first come, first served.
   */
  take(limit: SharedLimit, asks: readonly PermitAsk[], patience: Patience | undefined): Promise<readonly PermitAnswer[]>;
  /** Permits that were not used, or whose places in the line nobody needs. Places that others stand behind keep their times. */
  giveBack(limit: SharedLimit, permits: readonly Correction[]): Promise<unknown>;
  /** What was let pass while the store could not be asked: uses up at most all there is. */
  charge(limit: SharedLimit, permits: readonly Correction[]): Promise<unknown>;
}
