import type { EventBase } from '../../engine/telemetry/events.js';
import type { LayerReading, TelemetryDeclaration } from '../../engine/contract/kind.js';
import type { MetricDeclaration } from '../../engine/telemetry/metric.js';

export interface TimeoutExceededEvent extends EventBase {
  readonly type: 'timeout.exceeded';
  readonly policyName: string;
  readonly timeoutMs: number;
  /** True where the whole operation was bounded, false for one attempt. */
  readonly isTotal: boolean;
  /** The attempt that was running or waiting. */
  readonly attempt: number;
}

export type TimeoutEvent = TimeoutExceededEvent;

const timeoutMetrics: readonly MetricDeclaration<LayerReading<{ readonly isTotal: boolean }>>[] = [
  {
    name: 'timeout_exceeded_total',
    type: 'counter',
    help: 'Attempts, and operations as a whole, that took too long.',
    labels: ['scope'],
    read: ({ strategy, counters: tally }, add) => add(tally.timeouts, { scope: strategy.isTotal ? 'total' : 'attempt' }),
  },
];

export const timeoutTelemetry = {
  events: { 'timeout.exceeded': { when: 'An attempt, or the whole operation, took too long and was given up.', level: 'debug' } },
  counters: [{ name: 'timeouts', meaning: 'Attempts and operations that took too long.', counter: 'timeouts' }],
  metrics: timeoutMetrics as readonly MetricDeclaration[],
} as const satisfies TelemetryDeclaration<TimeoutEvent>;
