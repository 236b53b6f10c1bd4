import type { EventBase, EventHub } from '../../engine/events.js';
import type { TelemetryDeclaration } from '../../engine/kind.js';
import type { Strategy } from '../../engine/strategy.js';
import type { Circuit, Occasion } from './circuit.js';
import type { CircuitStateName } from './states.js';

interface CircuitBreakerEventBase extends EventBase {
  readonly policyName: string;
  /** The key of the circuit; undefined for the common one. */
  readonly key: string | undefined;
}

export interface CircuitBreakerOpenedEvent extends CircuitBreakerEventBase {
  readonly type: 'circuit-breaker.opened';
  /** The calls that were judged; undefined where a trial failed. */
  readonly calls: number | undefined;
  readonly failures: number | undefined;
  readonly slowCalls: number | undefined;
  /** Milliseconds until the next trial. */
  readonly openMs: number | undefined;
  readonly lastError: unknown;
}

export interface CircuitBreakerHalfOpenedEvent extends CircuitBreakerEventBase {
  readonly type: 'circuit-breaker.half-opened';
}

export interface CircuitBreakerClosedEvent extends CircuitBreakerEventBase {
  readonly type: 'circuit-breaker.closed';
}

export interface CircuitBreakerStateForcedEvent extends CircuitBreakerEventBase {
  readonly type: 'circuit-breaker.state-forced';
  readonly from: CircuitStateName;
  readonly to: CircuitStateName;
}

export interface CircuitBreakerRejectedEvent extends CircuitBreakerEventBase {
  readonly type: 'circuit-breaker.rejected';
  readonly retryAfterMs: number | undefined;
}

export type CircuitBreakerEvent =
  | CircuitBreakerOpenedEvent
  | CircuitBreakerHalfOpenedEvent
  | CircuitBreakerClosedEvent
  | CircuitBreakerStateForcedEvent
  | CircuitBreakerRejectedEvent;

/** What the counters read; the strategy has it. */
interface CountsOfBreaker {
  readonly breaker: { readonly trips: number };
}

export const circuitBreakerTelemetry = {
  events: {
    'circuit-breaker.opened': 'Too many calls failed or were slow, or a trial did: no call passes until the open time is over.',
    'circuit-breaker.half-opened': 'The open time is over: trials pass.',
    'circuit-breaker.closed': 'Enough trials succeeded: all calls pass.',
    'circuit-breaker.state-forced': 'Somebody changed the state by hand.',
    'circuit-breaker.rejected': 'A call was not let pass.',
  },
  counters: [
    {
      name: 'circuitBreakerTrips',
      meaning: 'How often a circuit opened.',
      read: (strategy: Strategy) => (strategy as unknown as CountsOfBreaker).breaker.trips,
    },
    { name: 'circuitBreakerRejections', meaning: 'Calls that an open circuit did not let pass.', tally: 'refusals' },
  ],
} as const satisfies TelemetryDeclaration;

const EVENT_OF_STATE = {
  open: 'circuit-breaker.opened',
  'half-open': 'circuit-breaker.half-opened',
  closed: 'circuit-breaker.closed',
} as const;

/** Tells what a breaker does. */
export class CircuitBreakerEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  transition(circuit: Circuit, from: CircuitStateName, to: CircuitStateName, occasion: Occasion, byHand: boolean): void {
    if (!this.hub.active) return;
    const common = { policyName: this.policyName, key: circuit.key };
    const { operationId } = occasion;
    if (byHand) this.hub.emit('circuit-breaker.state-forced', operationId, { ...common, from, to });
    const type = Object.hasOwn(EVENT_OF_STATE, to) ? EVENT_OF_STATE[to as keyof typeof EVENT_OF_STATE] : undefined;
    if (type === undefined) return;
    this.hub.emit(type, operationId, to === 'open' ? { ...common, ...openingFacts(circuit, occasion) } : common);
  }

  rejected(key: string | undefined, operationId: string | undefined, retryAfterMs: number | undefined): void {
    if (this.hub.active) this.hub.emit('circuit-breaker.rejected', operationId, { policyName: this.policyName, key, retryAfterMs });
  }
}

function openingFacts(
  circuit: Circuit,
  occasion: Occasion,
): Pick<CircuitBreakerOpenedEvent, 'calls' | 'failures' | 'slowCalls' | 'openMs' | 'lastError'> {
  return {
    calls: circuit.judged?.calls,
    failures: circuit.judged?.failures,
    slowCalls: circuit.judged?.slowCalls,
    openMs: circuit.current.remainingMs?.(occasion),
    lastError: circuit.lastError,
  };
}
