import type { EventBase } from '../engine/telemetry/events.js';
import { larger, type MetricDeclaration } from '../engine/telemetry/metric.js';
import { STORE_OUTCOMES, type SharedStore } from './shared-store.js';

/** The store of shared state cannot be asked: shared policies do what their `onStoreFailure` says. */
export interface StoreUnavailableEvent extends EventBase {
  readonly type: 'store.unavailable';
  readonly group: string;
  /** What the client or the server said last. */
  readonly reason: string;
}

/** The store answers again. */
export interface StoreAvailableEvent extends EventBase {
  readonly type: 'store.available';
  readonly group: string;
  readonly unavailableForMs: number;
}

export type StoreEvent = StoreUnavailableEvent | StoreAvailableEvent;

type ObservedStore = Pick<SharedStore, 'availability' | 'requests'>;

const metrics: readonly MetricDeclaration<ObservedStore>[] = [
  {
    name: 'store_up',
    type: 'gauge',
    help: 'Whether the store of shared state answers: 1 or 0. The label name is its group.',
    merge: Math.min,
    read: ({ availability }, add) => add(availability.isAvailable ? 1 : 0),
  },
  {
    name: 'shared_state_degraded',
    type: 'gauge',
    help: 'Whether shared policies do without the store, as their onStoreFailure says: 1 or 0; 0 while the application starts.',
    merge: larger,
    read: ({ availability }, add) => add(availability.isDegraded ? 1 : 0),
  },
  {
    name: 'store_requests_total',
    type: 'counter',
    help: 'What was asked of the store by how it ended; unavailable means that it was not asked, or that the connection broke.',
    labels: ['command', 'outcome'],
    read: ({ requests }, add) => {
      for (const [command, counts] of requests.counts) for (const outcome of STORE_OUTCOMES) add(counts[outcome], { command, outcome });
    },
  },
  {
    name: 'store_request_duration_seconds',
    type: 'histogram',
    help: 'Time from a question to the answer of the store.',
    read: ({ requests }, add) => {
      if (requests.durations !== undefined) add(requests.durations);
    },
  },
];

/** What can be seen of the store, beside what each policy makes of it. */
export const storeTelemetry = {
  events: {
    // The store says both in the log by itself, also where nobody writes events down.
    'store.unavailable': {
      when: 'The store of shared state cannot be asked; shared policies do what `onStoreFailure` says.',
      level: undefined,
    },
    'store.available': { when: 'The store of shared state answers again.', level: undefined },
  },
  metrics,
} as const;
