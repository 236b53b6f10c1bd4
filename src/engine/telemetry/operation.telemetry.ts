import type { OperationCounts } from './operation-counts.js';
import { CallObserver } from './call-observer.js';
import type { EventDeclaration } from './events.js';
import type { MetricDeclaration } from './metric.js';
import type { EngineEvent } from './operation-events.js';

/** An operation as metrics see it. */
interface ObservedOperation {
  readonly counts: Pick<OperationCounts, 'successes' | 'failures' | 'aborts'>;
  readonly watch: Pick<CallObserver, 'durations' | 'errors'> | undefined;
}

const operationMetrics: readonly MetricDeclaration<ObservedOperation>[] = [
  {
    name: 'operation_calls_total',
    type: 'counter',
    help: 'Calls of protected operations by how they ended, after all that their policies did; aborted means by the caller.',
    labels: ['outcome'],
    read: ({ counts: { successes, failures, aborts } }, add) => {
      add(successes, { outcome: 'succeeded' });
      add(failures, { outcome: 'failed' });
      add(aborts, { outcome: 'aborted' });
    },
  },
  {
    name: 'operation_errors_total',
    type: 'counter',
    help: 'Calls that ended with an error, by its class; the first twenty classes of each operation, all others are one.',
    labels: ['error'],
    read: ({ watch }, add) => {
      for (const [error, count] of watch?.errors ?? []) add(count, { error });
    },
  },
  {
    name: 'operation_duration_seconds',
    type: 'histogram',
    help: 'Time from the call to the answer, with all that the policies did.',
    read: ({ watch }, add) => {
      if (watch?.durations !== undefined) add(watch.durations);
    },
  },
];

/** What can be seen of operations, beside what their policies do. */
export const operationTelemetry = {
  events: {
    'operation.succeeded': { when: 'A call was answered, maybe by a fallback.', level: undefined },
    'operation.failed': { when: 'A call ended with an error. A call that its caller aborted has no event.', level: undefined },
    'callback.failed': { when: 'A function of yours threw where the call went on without it.', level: undefined },
    'control.applied': { when: 'A command changed an instance: somebody did something by hand.', level: 'log' },
    'config.changed': { when: '`reconfigure` changed the policies of a name.', level: 'log' },
  } satisfies Record<EngineEvent['type'], EventDeclaration>,
  metrics: operationMetrics,
} as const;
