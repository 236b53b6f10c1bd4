import type { EventBase, EventHub } from '../../engine/events.js';
import type { TelemetryDeclaration } from '../../engine/kind.js';

interface FallbackEventBase extends EventBase {
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

export const fallbackTelemetry = {
  events: {
    'fallback.served': 'A fallback answered in place of the operation.',
    'fallback.failed': 'A tier of a fallback failed, or gave a value that `validate` refused.',
  },
  counters: [{ name: 'fallbacksServed', meaning: 'Calls that a fallback answered.', tally: 'answers' }],
} as const satisfies TelemetryDeclaration;

/** Tells what a fallback does. */
export class FallbackEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  served(operationId: string, tier: number, error: unknown): void {
    if (this.hub.active) this.hub.emit('fallback.served', operationId, { policyName: this.policyName, tier, error });
  }

  failed(operationId: string, tier: number, error: unknown, tierError: unknown): void {
    if (this.hub.active) this.hub.emit('fallback.failed', operationId, { policyName: this.policyName, tier, error, tierError });
  }
}
