import type { EventBase, EventHub } from '../../engine/telemetry/events.js';
import type { LayerReading, TelemetryDeclaration } from '../../engine/contract/kind.js';
import type { MetricDeclaration } from '../../engine/telemetry/metric.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';

export interface FallbackEventBase extends EventBase {
  readonly policyName: string;
  /** Which tier, from 1 on. */
  readonly tier: number;
  /** Why the operation itself failed. */
  readonly error: unknown;
}

export interface FallbackServedEvent extends FallbackEventBase {
  readonly type: 'fallback.served';
}

export interface FallbackFailedEvent extends FallbackEventBase {
  readonly type: 'fallback.failed';
  /** Why the tier failed. */
  readonly tierError: unknown;
}

export type FallbackEvent = FallbackServedEvent | FallbackFailedEvent;

/** What the tiers of a fallback did since the start, by their place. */
export interface TierCounts {
  readonly served: number[];
  readonly failed: number[];
}

interface ObservedFallback {
  readonly counts: TierCounts;
  readonly durations: Histogram | undefined;
}

const fallbackMetrics: readonly MetricDeclaration<LayerReading<ObservedFallback>>[] = [
  {
    name: 'fallback_calls_total',
    type: 'counter',
    help: 'Calls of the tiers of a fallback, from 1 on, by whether they answered.',
    labels: ['tier', 'outcome'],
    read: ({ strategy: { counts } }, add) => {
      for (const [outcome, byTier] of Object.entries(counts)) {
        (byTier as readonly number[]).forEach((times, tier) => add(times, { tier: String(tier + 1), outcome }));
      }
    },
  },
  {
    name: 'fallback_duration_seconds',
    type: 'histogram',
    help: 'How long the tiers of a fallback took, whether they answered or failed.',
    read: ({ strategy: { durations } }, add) => {
      if (durations !== undefined) add(durations);
    },
  },
];

export const fallbackTelemetry = {
  events: {
    'fallback.served': { when: 'A fallback answered in place of the operation.', level: 'debug' },
    'fallback.failed': { when: 'A tier of a fallback failed, or gave a value that `validate` rejected.', level: 'debug' },
  },
  counters: [{ name: 'fallbacksServed', meaning: 'Calls that a fallback answered.', counter: 'answers' }],
  metrics: fallbackMetrics as readonly MetricDeclaration[],
} as const satisfies TelemetryDeclaration<FallbackEvent>;

/** Why a tier answers: read only where somebody listens, because reading it makes the error of a rejection. */
export interface FallbackCause {
  readonly told: unknown;
}

/** Tells what a fallback does. */
export class FallbackEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  served(operationId: string, tier: number, cause: FallbackCause): void {
    if (this.hub.hasListenersForAttempts('fallback.served'))
      this.hub.emit<FallbackServedEvent>('fallback.served', operationId, { policyName: this.policyName, tier, error: cause.told });
  }

  failed(operationId: string, tier: number, cause: FallbackCause, tierError: unknown): void {
    if (this.hub.hasListenersForAttempts('fallback.failed'))
      this.hub.emit<FallbackFailedEvent>('fallback.failed', operationId, {
        policyName: this.policyName,
        tier,
        error: cause.told,
        tierError,
      });
  }
}
