import type { StoreFailureMode } from '../../options/index.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';

/** What the partitions of a bulkhead share. The limits can change while calls run. */
export interface PartitionLimits {
  maxConcurrent: number;
  readonly maxQueue: number;
  readonly queueTimeout?: number;
  readonly releaseAfter?: number;
  readonly overflow: 'reject' | 'drop-oldest';
  /** Where it is shared. */
  readonly onStoreFailure?: StoreFailureMode;
  /** How long waiters waited, where somebody wants to know. */
  queueTimes?: Histogram | undefined;
}
