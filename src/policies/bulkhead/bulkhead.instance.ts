import type { HealthFinding, HealthStatus, KeyListing, KeyPage } from '../../engine/contract/instance.js';
import { choice, integer, ratio, type OptionsOf, type Rule } from '../../options/index.js';
import type { Bulkhead } from './bulkhead.js';

/** How the use of a bulkhead is told. */
export interface BulkheadHealthOptions {
  /** Which of them, by name. Default: all. */
  readonly names?: readonly string[];
  /**
   * From this share of permits in use on, the bulkhead is told as `saturatedIs`.
   * @default 1
   */
  readonly maxUtilization?: number;
  /** @default 'degraded' */
  readonly saturatedIs?: HealthStatus;
}

const healthRules = {
  maxUtilization: ratio({ default: 1 }),
  saturatedIs: choice(['up', 'degraded', 'down'], { default: 'degraded' }),
} satisfies Record<Exclude<keyof BulkheadHealthOptions, 'names'>, Rule>;

function healthOf(bulkhead: Bulkhead, { maxUtilization, saturatedIs }: OptionsOf<typeof healthRules>): HealthFinding {
  const { utilization, running, queued, maxConcurrent, rejections, abandoned, released } = bulkhead;
  return {
    status: utilization >= maxUtilization ? saturatedIs : 'up',
    details: { utilization, running, queued, maxConcurrent, rejections, abandoned, released },
  };
}

function blockedBy({ abandoned, running, maxConcurrent }: Bulkhead): string | undefined {
  const isBlocked = abandoned > 0 && running >= maxConcurrent;
  return isBlocked ? 'its places are taken by calls that were answered already (see releaseAfter)' : undefined;
}

function snapshotOf(bulkhead: Bulkhead): object {
  const { state, running, queued, maxConcurrent, utilization, rejections, abandoned, released, runningInFleet } = bulkhead;
  const { maxQueue, shared } = bulkhead.settings;
  return {
    state,
    shared,
    running,
    ...(runningInFleet === undefined ? {} : { runningInFleet }),
    maxConcurrent,
    utilization,
    queued,
    maxQueue,
    rejections,
    abandoned,
    released,
    keys: { known: keyed(bulkhead).length },
  };
}

function keyed(bulkhead: Bulkhead) {
  return bulkhead.observePartitions().flatMap(({ key, running, queued, admitted, rejections, abandoned }) => {
    return key === undefined ? [] : [{ key, running, queued, admitted, rejections, abandoned }];
  });
}

/** Those in use first. */
function keysOf(bulkhead: Bulkhead, { offset, limit }: Required<KeyPage>): KeyListing {
  const keys = keyed(bulkhead).toSorted((a, b) => b.running + b.queued - a.running - a.queued);
  return { total: keys.length, keys: keys.slice(offset, offset + limit) };
}

const resizeRules = { maxConcurrent: integer({ min: 1, unbounded: true }) };

/** What can be seen of a bulkhead, and done to it. */
export const bulkheadInstance = {
  snapshot: snapshotOf,
  health: { group: 'bulkheads', rules: healthRules, check: healthOf, blockedBy },
  keys: keysOf,
  commands: {
    resize: {
      meaning: 'Changes how many calls run at a time; those that run finish.',
      rules: resizeRules,
      run: (bulkhead: Bulkhead, { maxConcurrent = bulkhead.maxConcurrent }: OptionsOf<typeof resizeRules>) =>
        bulkhead.resize(maxConcurrent),
    },
  },
  waiting: ({ queued }: Bulkhead) => queued,
  rejectAll: (bulkhead: Bulkhead) => bulkhead.observePartitions().forEach((partition) => partition.rejectAll('shutdown')),
} as const;
