import type { Call } from '../../engine/call/call.js';
import { larger, type MetricDeclaration } from '../../engine/telemetry/metric.js';
import type { EventBase, EventHub, FactsOf } from '../../engine/telemetry/events.js';
import type { LayerReading, TelemetryDeclaration } from '../../engine/contract/kind.js';

export interface RetryEventBase extends EventBase {
  readonly policyName: string;
  /** The attempt that failed, from 1 on. */
  readonly attempt: number;
  readonly error: unknown;
}

export interface RetryScheduledEvent extends RetryEventBase {
  readonly type: 'retry.scheduled';
  readonly delayMs: number;
}

export interface RetryExhaustedEvent extends RetryEventBase {
  readonly type: 'retry.exhausted';
}

export interface RetryBudgetExhaustedEvent extends RetryEventBase {
  readonly type: 'retry.budget-exhausted';
}

export type RetryEvent = RetryScheduledEvent | RetryExhaustedEvent | RetryBudgetExhaustedEvent;

/** Attempts from this one on are counted together. */
const MAX_ATTEMPTS = 10;

/** How an attempt beyond the first one ended: given up means by a time limit or by the caller. */
type RetryOutcome = 'succeeded' | 'failed' | 'given-up';

/** What retries did since the start. */
export class RetryCounts {
  exhausted = 0;
  budgetExhausted = 0;
  private readonly ended: Record<RetryOutcome, number[]>;

  /** Every series is there from the start, at 0: a counter that comes with its first event hides it from `increase()`. */
  constructor(maxAttempts: number) {
    const none = (): number[] => Array.from({ length: Math.min(maxAttempts, MAX_ATTEMPTS) + 1 }, () => 0);
    this.ended = { succeeded: none(), failed: none(), 'given-up': none() };
  }

  /** Attempt number `attempt` ended; the first one of a call is no retry. */
  end(attempt: number, outcome: RetryOutcome): void {
    if (attempt < 2) return;
    const counts = this.ended[outcome];
    const index = Math.min(attempt, MAX_ATTEMPTS);
    counts[index] = (counts[index] ?? 0) + 1;
  }

  *readings(): Generator<[count: number, labels: { attempt: string; outcome: RetryOutcome }]> {
    for (const [outcome, counts] of Object.entries(this.ended) as [RetryOutcome, number[]][]) {
      for (const [index, count = 0] of counts.entries()) {
        if (index > 1) yield [count, { attempt: index === MAX_ATTEMPTS ? `${index}+` : String(index), outcome }];
      }
    }
  }
}

interface ObservedRetry {
  readonly counts: RetryCounts;
  /** What is left of the retry budget now, where there is one. */
  budgetLeft(): number | undefined;
}

const retryMetrics: readonly MetricDeclaration<LayerReading<ObservedRetry>>[] = [
  {
    name: 'retry_attempts_total',
    type: 'counter',
    help: 'Attempts beyond the first one of a call that have ended, by their number and outcome.',
    labels: ['attempt', 'outcome'],
    read: ({ strategy: { counts } }, add) => {
      for (const [count, labels] of counts.readings()) add(count, labels);
    },
  },
  {
    name: 'retry_exhausted_total',
    type: 'counter',
    help: 'Calls that were not tried again: their attempts, or the time for them, were used up, or the retry budget was.',
    labels: ['reason'],
    read: ({ strategy: { counts } }, add) => {
      add(counts.exhausted, { reason: 'attempts' });
      add(counts.budgetExhausted, { reason: 'budget' });
    },
  },
  {
    name: 'retry_budget_remaining',
    type: 'gauge',
    help: 'Retries that the budget allows now.',
    merge: larger,
    read: ({ strategy }, add) => {
      const left = strategy.budgetLeft();
      if (left !== undefined) add(left);
    },
  },
];

export const retryTelemetry = {
  events: {
    'retry.scheduled': { when: 'Another attempt will follow after `delayMs`.', level: 'debug' },
    'retry.exhausted': { when: 'No further attempt: they are used up, or the time for them is.', level: 'debug' },
    'retry.budget-exhausted': { when: 'No further attempt: the retry budget is used up.', level: 'debug' },
  },
  counters: [{ name: 'retryAttempts', meaning: 'Attempts beyond the first one of a call.', counter: 'repeats' }],
  metrics: retryMetrics as readonly MetricDeclaration[],
} as const satisfies TelemetryDeclaration<RetryEvent>;

/** Tells what a retry strategy does. */
export class RetryEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  scheduled(call: Call, delayMs: number): void {
    if (this.hub.hasListenersForAttempts('retry.scheduled'))
      this.hub.emit<RetryScheduledEvent>('retry.scheduled', call.operationId, { ...this.factsOf(call), delayMs });
  }

  exhausted(call: Call): void {
    if (this.hub.hasListenersForAttempts('retry.exhausted'))
      this.hub.emit<RetryExhaustedEvent>('retry.exhausted', call.operationId, this.factsOf(call));
  }

  budgetExhausted(call: Call): void {
    if (this.hub.hasListenersForAttempts('retry.budget-exhausted'))
      this.hub.emit<RetryBudgetExhaustedEvent>('retry.budget-exhausted', call.operationId, this.factsOf(call));
  }

  private factsOf({ attempt, payload: error }: Call): FactsOf<RetryEventBase> {
    return { policyName: this.policyName, attempt, error };
  }
}
