import type { EventBase, EventHub } from '../../engine/telemetry/events.js';
import type { TelemetryDeclaration } from '../../engine/contract/kind.js';
import { readByKey, together, type MetricDeclaration } from '../../engine/telemetry/metric.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import type { BulkheadFullReason } from './bulkhead.error.js';

export interface BulkheadEventBase extends EventBase {
  readonly policyName: string;
  readonly key: string | undefined;
  readonly running: number;
  readonly queued: number;
}

export interface BulkheadRejectedEvent extends BulkheadEventBase {
  readonly type: 'bulkhead.rejected';
  readonly reason: BulkheadFullReason;
}

export interface BulkheadQueuedEvent extends BulkheadEventBase {
  readonly type: 'bulkhead.queued';
}

export interface BulkheadReleasedEvent extends BulkheadEventBase {
  readonly type: 'bulkhead.released';
  /** How long ago its caller was answered. */
  readonly answeredMsAgo: number;
}

export type BulkheadEvent = BulkheadRejectedEvent | BulkheadQueuedEvent | BulkheadReleasedEvent;

/**
 * Calls since the start: that got a place; that got none, for whatever reason; of those, that waited too long; and that lost
 * their place because they ran on too long after their caller was answered.
 */
export interface PartitionCounts {
  admitted: number;
  rejections: number;
  timeouts: number;
  released: number;
}

interface ObservedPartition extends PartitionCounts {
  readonly key: string | undefined;
  readonly running: number;
  readonly queued: number;
  readonly abandoned: number;
}

/** A bulkhead as metrics see it. */
export interface ObservedBulkhead {
  readonly maxConcurrent: number;
  readonly queueTimes: Histogram | undefined;
  /** Of partitions whose keys are known no more. */
  readonly forgotten: Readonly<PartitionCounts>;
  observePartitions(): readonly ObservedPartition[];
}

function count(name: string, help: string, of: (counts: PartitionCounts) => number): MetricDeclaration<ObservedBulkhead> {
  return {
    name,
    type: 'counter',
    help,
    read: (bulkhead, add, keys) => readByKey(bulkhead.observePartitions(), keys, add, of, together, of(bulkhead.forgotten)),
  };
}

function occupancy(name: string, help: string, of: (partition: ObservedPartition) => number): MetricDeclaration<ObservedBulkhead> {
  return { name, type: 'gauge', help, read: (bulkhead, add, keys) => readByKey(bulkhead.observePartitions(), keys, add, of, together) };
}

const bulkheadMetrics: readonly MetricDeclaration<ObservedBulkhead>[] = [
  occupancy('bulkhead_active_requests', 'Calls that run.', ({ running }) => running),
  occupancy('bulkhead_queued_requests', 'Calls that wait for a place.', ({ queued }) => queued),
  occupancy(
    'bulkhead_abandoned_requests',
    'Calls that run on though their caller was answered (a timeout, an abort), and hold a place.',
    ({ abandoned }) => abandoned,
  ),
  {
    name: 'bulkhead_max_concurrent',
    type: 'gauge',
    help: 'Calls that may run at a time, for each key.',
    read: (bulkhead, add) => add(bulkhead.maxConcurrent),
  },
  count('bulkhead_requests_total', 'Calls that got a place or none: all that have been decided.', (counts) => {
    return counts.admitted + counts.rejections;
  }),
  count('bulkhead_requests_rejected', 'Calls that got no place, for whatever reason.', ({ rejections }) => rejections),
  count(
    'bulkhead_requests_timeout',
    'Of the rejected: those that waited for a place longer than queueTimeout.',
    ({ timeouts }) => timeouts,
  ),
  count('bulkhead_permits_released', 'Places taken from calls that ran on longer than releaseAfter.', ({ released }) => released),
  {
    name: 'bulkhead_queue_duration_seconds',
    type: 'histogram',
    help: 'How long those waited that got a place out of the queue.',
    read: ({ queueTimes }, add) => {
      if (queueTimes !== undefined) add(queueTimes);
    },
  },
];

export const bulkheadTelemetry = {
  events: {
    'bulkhead.rejected': { when: 'There was no place for a call; `reason` says why.', level: 'debug' },
    'bulkhead.queued': { when: 'A call waits for a place.', level: 'debug' },
    'bulkhead.released': {
      when: 'A call whose caller was answered `releaseAfter` ago still runs: its place was given back.',
      level: 'warn',
    },
  },
  counters: [{ name: 'bulkheadRejections', meaning: 'Calls that got no place, for whatever reason.', counter: 'rejections' }],
  metrics: bulkheadMetrics as readonly MetricDeclaration[],
  sharesInstances: true,
} as const satisfies TelemetryDeclaration<BulkheadEvent>;

/** What an event tells of a partition. */
interface Occupancy {
  readonly key: string | undefined;
  readonly running: number;
  readonly queued: number;
}

/** Tells what a bulkhead does. */
export class BulkheadEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  rejected(operationId: string | undefined, { key, running, queued }: Occupancy, reason: BulkheadFullReason): void {
    if (this.hub.hasListenersForAttempts('bulkhead.rejected'))
      this.hub.emit<BulkheadRejectedEvent>('bulkhead.rejected', operationId, { policyName: this.policyName, key, running, queued, reason });
  }

  queued(operationId: string | undefined, { key, running, queued }: Occupancy): void {
    if (this.hub.hasListenersForAttempts('bulkhead.queued'))
      this.hub.emit<BulkheadQueuedEvent>('bulkhead.queued', operationId, { policyName: this.policyName, key, running, queued });
  }

  released(operationId: string | undefined, { key, running, queued }: Occupancy, answeredMsAgo: number): void {
    if (this.hub.hasListeners('bulkhead.released'))
      this.hub.emit<BulkheadReleasedEvent>('bulkhead.released', operationId, {
        policyName: this.policyName,
        key,
        running,
        queued,
        answeredMsAgo,
      });
  }
}
