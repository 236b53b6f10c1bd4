import {
  callback,
  choice,
  duration,
  flag,
  integer,
  declare,
  shorthand,
  STORE_FAILURE_MODES,
  text,
  type Duration,
  type Key,
  type OptionsOf,
  type Rule,
  type StoreFailureMode,
} from '../../options/index.js';

/** Lets so many calls run at a time. */
export interface BulkheadOptions<Args extends readonly unknown[] = readonly never[], PriorityArgs extends readonly unknown[] = Args> {
  /**
   * Calls that run at a time; `Infinity` counts them and lets all run.
   * @default 10
   */
  maxConcurrent?: number;
  /**
   * Calls that may wait for a place.
   * @default 0
   */
  maxQueue?: number;
  /** How long a call may wait. Without it as long as its caller does. */
  queueTimeout?: Duration;
  /** Who waits goes by this, higher first; first in, first out within one. What is not a number counts as 0. Default: all the same. */
  priority?: (...args: PriorityArgs) => number;
  /**
   * Where the queue is full: turn the newcomer away, or the oldest waiter of the lowest priority not above the newcomer's.
   * @default 'reject'
   */
  overflow?: 'reject' | 'drop-oldest';
  /** One bulkhead for each key; `undefined` or `null` means the common one. */
  key?: (...args: Args) => Key;
  /**
   * Keys at most; beyond it the least recently used one is forgotten, those in use last.
   * @default 10000
   */
  maxKeys?: number;
  /**
   * Gives the permit of a call back whose caller was answered so long ago (by a timeout, or by giving up) although the
   * method still runs. Without it such a permit comes back when the method settles, which may be never.
   */
  releaseAfter?: Duration;
  /** Bulkheads of one name share their places. Default: the operation id. */
  name?: string;
  /**
   * The places are those of all instances of the application together; a store decides (`nestjs-bulwark/redis`). Those who wait, wait in
   * their own instance.
   * @default false
   */
  shared?: boolean;
  /**
   * A shared bulkhead whose store does not answer lets so many calls run as fall to this instance (`local`), lets all run (`allow`), or
   * rejects (`reject`). Default: that of the store.
   */
  onStoreFailure?: StoreFailureMode;
}

/** `policies.bulkhead(...)`. */
export interface BulkheadPolicy<
  Args extends readonly unknown[] = readonly never[],
  PriorityArgs extends readonly unknown[] = Args,
> extends BulkheadOptions<Args, PriorityArgs> {
  readonly kind: 'bulkhead';
}

export const bulkheadRules = {
  maxConcurrent: integer({ min: 1, default: 10, unbounded: true }),
  maxQueue: integer({ min: 0, default: 0, unbounded: true }),
  queueTimeout: duration(),
  priority: callback<(...args: readonly unknown[]) => unknown>('(...args) => number'),
  overflow: choice(['reject', 'drop-oldest'], { default: 'reject' }),
  key: callback<(...args: readonly unknown[]) => unknown>('(...args) => string'),
  maxKeys: integer({ min: 1, default: 10_000 }),
  releaseAfter: duration(),
  name: text({ defaultNote: 'operation id' }),
  shared: flag({ default: false }),
  onStoreFailure: choice(STORE_FAILURE_MODES, { defaultNote: 'that of the store' }),
} satisfies Record<keyof BulkheadOptions, Rule>;

/** Its options as they are resolved. */
export type ResolvedBulkhead = OptionsOf<typeof bulkheadRules>;

/** Lets so many calls run at a time: `bulkhead(10)`, `bulkhead({ maxConcurrent: 10, maxQueue: 50 })`. */
export function bulkhead<Args extends readonly unknown[] = readonly never[], PriorityArgs extends readonly unknown[] = readonly never[]>(
  options: number | BulkheadOptions<Args, PriorityArgs> = {},
): BulkheadPolicy<Args, PriorityArgs> {
  return declare('bulkhead', shorthand('maxConcurrent', options));
}
