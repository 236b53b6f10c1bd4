import type { Call } from '../../engine/call.js';
import type { EventBase, EventHub } from '../../engine/events.js';
import type { TelemetryDeclaration } from '../../engine/kind.js';

interface RetryEventBase extends EventBase {
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

export const retryTelemetry = {
  events: {
    'retry.scheduled': 'Another attempt will follow after `delayMs`.',
    'retry.exhausted': 'No further attempt: they are used up, or the time for them is.',
    'retry.budget-exhausted': 'No further attempt: the retry budget is used up.',
  },
  counters: [{ name: 'retryAttempts', meaning: 'Attempts beyond the first one of a call.', tally: 'repeats' }],
} as const satisfies TelemetryDeclaration;

/** Tells what a retry strategy does. */
export class RetryEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  scheduled(call: Call, delayMs: number): void {
    if (this.hub.active) this.emit('retry.scheduled', call, { delayMs });
  }

  exhausted(call: Call): void {
    if (this.hub.active) this.emit('retry.exhausted', call, {});
  }

  budgetExhausted(call: Call): void {
    if (this.hub.active) this.emit('retry.budget-exhausted', call, {});
  }

  private emit(type: RetryEvent['type'], call: Call, facts: object): void {
    this.hub.emit(type, call.operationId, { policyName: this.policyName, attempt: call.attempt, error: call.payload, ...facts });
  }
}
