import type { EventBase, EventHub } from '../../engine/events.js';
import type { TelemetryDeclaration } from '../../engine/kind.js';
import type { BulkheadFullReason } from './bulkhead.error.js';

interface BulkheadEventBase extends EventBase {
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

export type BulkheadEvent = BulkheadRejectedEvent | BulkheadQueuedEvent;

export const bulkheadTelemetry = {
  events: {
    'bulkhead.rejected': 'There was no place for a call; `reason` says why.',
    'bulkhead.queued': 'A call waits for a place.',
  },
  counters: [{ name: 'bulkheadRejections', meaning: 'Calls that found no place, or lost the one in the queue.', tally: 'refusals' }],
} as const satisfies TelemetryDeclaration;

/** What an event tells of a compartment. */
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
    if (this.hub.active) this.hub.emit('bulkhead.rejected', operationId, { policyName: this.policyName, key, running, queued, reason });
  }

  queued(operationId: string | undefined, { key, running, queued }: Occupancy): void {
    if (this.hub.active) this.hub.emit('bulkhead.queued', operationId, { policyName: this.policyName, key, running, queued });
  }
}
