import type { EventBase, EventHub } from '../../engine/events.js';
import type { TelemetryDeclaration } from '../../engine/kind.js';

interface RateLimitEventBase extends EventBase {
  readonly policyName: string;
  readonly key: string | undefined;
  /** Permits that the call wanted. */
  readonly cost: number;
}

export interface RateLimitRejectedEvent extends RateLimitEventBase {
  readonly type: 'rate-limit.rejected';
  readonly retryAfterMs: number | undefined;
}

export interface RateLimitDelayedEvent extends RateLimitEventBase {
  readonly type: 'rate-limit.delayed';
  /** How long it will wait, as far as can be told. */
  readonly delayMs: number;
}

export type RateLimitEvent = RateLimitRejectedEvent | RateLimitDelayedEvent;

export const rateLimitTelemetry = {
  events: {
    'rate-limit.rejected': 'There was no permit for a call, and none to wait for in time.',
    'rate-limit.delayed': 'A call waits for its permit.',
  },
  counters: [{ name: 'rateLimitHits', meaning: 'Calls that a rate limit turned away.', tally: 'refusals' }],
} as const satisfies TelemetryDeclaration;

/** Tells what a limiter does. */
export class RateLimitEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  rejected(operationId: string | undefined, key: string | undefined, cost: number, retryAfterMs: number | undefined): void {
    if (this.hub.active) this.hub.emit('rate-limit.rejected', operationId, { policyName: this.policyName, key, cost, retryAfterMs });
  }

  delayed(operationId: string | undefined, key: string | undefined, cost: number, delayMs: number): void {
    if (this.hub.active) this.hub.emit('rate-limit.delayed', operationId, { policyName: this.policyName, key, cost, delayMs });
  }
}
