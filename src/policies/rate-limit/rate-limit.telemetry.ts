import type { EventBase, EventHub } from '../../engine/telemetry/events.js';
import type { TelemetryDeclaration } from '../../engine/contract/kind.js';
import type { MetricDeclaration } from '../../engine/telemetry/metric.js';
import type { RateLimitReason } from './rate-limit.error.js';

export interface RateLimitEventBase extends EventBase {
  readonly policyName: string;
  readonly key: string | undefined;
  /** Permits that the call wanted. */
  readonly cost: number;
}

export interface RateLimitRejectedEvent extends RateLimitEventBase {
  readonly type: 'rate-limit.rejected';
  readonly reason: RateLimitReason;
  readonly retryAfterMs: number | undefined;
}

export interface RateLimitDelayedEvent extends RateLimitEventBase {
  readonly type: 'rate-limit.delayed';
  /** How long it will wait, as far as can be told. */
  readonly delayMs: number;
}

export type RateLimitEvent = RateLimitRejectedEvent | RateLimitDelayedEvent;

/** A limiter as metrics see it. */
export interface ObservedLimiter {
  readonly allowed: number;
  readonly rejections: number;
  readonly waiting: number;
  readonly keyCount: number;
  readonly rejectedKeys: { series(most: number): Iterable<readonly [client: string, count: number]> };
}

function reading(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  of: (limiter: ObservedLimiter) => number,
): MetricDeclaration<ObservedLimiter> {
  return { name, type, help, read: (limiter, add) => add(of(limiter)) };
}

const rateLimitMetrics: readonly MetricDeclaration<ObservedLimiter>[] = [
  reading(
    'rate_limit_requests_total',
    'counter',
    'Requests for permits that were decided.',
    (limiter) => limiter.allowed + limiter.rejections,
  ),
  reading('rate_limit_requests_allowed', 'counter', 'Requests that got their permits, at once or after a wait.', ({ allowed }) => allowed),
  reading('rate_limit_requests_rejected', 'counter', 'Requests that were turned away.', ({ rejections }) => rejections),
  reading('rate_limit_waiting_requests', 'gauge', 'Requests that wait for their permits.', ({ waiting }) => waiting),
  reading('rate_limit_keys', 'gauge', 'Keys that are known.', ({ keyCount }) => keyCount),
  {
    name: 'rate_limit_top_rejections',
    type: 'gauge',
    help: 'Rejections of the clients that are turned away most, about right for the frequent ones; only where `clients` asks for it.',
    labels: ['client'],
    read: ({ rejectedKeys: rejected }, add, _keys, clients) => {
      if (clients > 0) for (const [client, count] of rejected.series(clients)) add(count, { client });
    },
  },
];

export const rateLimitTelemetry = {
  events: {
    'rate-limit.rejected': {
      when: 'There was no permit for a call and none to wait for in time, or it waited in vain; `reason` says why.',
      level: 'debug',
    },
    'rate-limit.delayed': { when: 'A call waits for its permit.', level: 'debug' },
  },
  counters: [{ name: 'rateLimitHits', meaning: 'Calls that a rate limit turned away.', counter: 'rejections' }],
  metrics: rateLimitMetrics as readonly MetricDeclaration[],
  sharesInstances: true,
} as const satisfies TelemetryDeclaration<RateLimitEvent>;

/** Who wanted permits, and how many. */
export interface Requester {
  readonly operationId?: string | undefined;
  readonly key: string | undefined;
  readonly cost: number;
}

/** Tells what a limiter does. */
export class RateLimitEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  rejected({ operationId, key, cost }: Requester, reason: RateLimitReason, retryAfterMs: number | undefined): void {
    if (this.hub.hasListenersForAttempts('rate-limit.rejected'))
      this.hub.emit<RateLimitRejectedEvent>('rate-limit.rejected', operationId, {
        policyName: this.policyName,
        key,
        cost,
        reason,
        retryAfterMs,
      });
  }

  delayed({ operationId, key, cost }: Requester, delayMs: number): void {
    if (this.hub.hasListenersForAttempts('rate-limit.delayed'))
      this.hub.emit<RateLimitDelayedEvent>('rate-limit.delayed', operationId, { policyName: this.policyName, key, cost, delayMs });
  }
}
