import type { EventBase, EventHub } from '../../engine/telemetry/events.js';
import type { TelemetryDeclaration } from '../../engine/contract/kind.js';
import { larger, readByKey, together, type MetricDeclaration } from '../../engine/telemetry/metric.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import type { AdmissionContext, CircuitControl, CircuitCounts, CircuitStateName, Transition } from './circuit-state.js';
import { severityOf } from './states.js';

export interface CircuitBreakerEventBase extends EventBase {
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

/** What metrics read of a breaker beside the counts. */
export interface BreakerObservation {
  /** Of circuits whose keys are known no more. */
  readonly forgotten: Readonly<CircuitCounts>;
  /** By `<from> <to>`. */
  readonly transitions: ReadonlyMap<string, number>;
  readonly openTimes: Histogram;
  /** Where durations are measured. */
  readonly durations: Histogram | undefined;
}

export interface ObservedCircuit {
  readonly key: string | undefined;
  readonly counts: CircuitCounts;
}

interface CircuitFigures {
  readonly state: CircuitStateName;
  readonly failureRate: number | undefined;
  readonly slowCallRate: number | undefined;
}

/** A breaker as metrics see it. */
export interface ObservedBreaker<Seen extends ObservedCircuit = ObservedCircuit> {
  observe(): BreakerObservation;
  observeCircuits(): readonly Seen[];
  /** Gives what reads the figures of a circuit as of now. */
  observer(): (circuit: Seen) => CircuitFigures;
}

/** The value of a state in `circuit_breaker_state`. */
const STATE_VALUES: Record<CircuitStateName, number> = {
  closed: 0,
  open: 1,
  'half-open': 2,
  'forced-open': 3,
  disabled: 4,
  'metrics-only': 5,
};

/** How bad each value is. */
const SEVERITY = new Map(Object.entries(STATE_VALUES).map(([state, value]) => [value, severityOf(state as CircuitStateName)]));

/** The worse of two states. */
function worse(a: number, b: number): number {
  return SEVERITY.get(a)! > SEVERITY.get(b)! ? a : b;
}

/** A counter of circuits. */
function count(name: string, help: string, of: (counts: CircuitCounts) => number): MetricDeclaration<ObservedBreaker> {
  return {
    name,
    type: 'counter',
    help,
    read: (breaker, add, keys) =>
      readByKey(breaker.observeCircuits(), keys, add, ({ counts }) => of(counts), together, of(breaker.observe().forgotten)),
  };
}

/** A figure of each circuit as of now. */
function figure(
  name: string,
  help: string,
  merge: (a: number, b: number) => number,
  of: (figures: CircuitFigures) => number | undefined,
): MetricDeclaration<ObservedBreaker> {
  return {
    name,
    type: 'gauge',
    help,
    merge,
    read: (breaker, add, keys) => {
      const look = breaker.observer();
      readByKey(breaker.observeCircuits(), keys, add, (circuit) => of(look(circuit)), merge);
    },
  };
}

const circuitBreakerMetrics: readonly MetricDeclaration<ObservedBreaker>[] = [
  figure(
    'circuit_breaker_state',
    `State: ${Object.entries(STATE_VALUES)
      .map(([state, value]) => `${value} ${state}`)
      .join(', ')}; the worst one of several keys.`,
    worse,
    ({ state }) => STATE_VALUES[state],
  ),
  count('circuit_breaker_requests_total', 'Calls that came to the breaker and have ended: the three below together.', (counts) => {
    return counts.successes + counts.failures + counts.rejections;
  }),
  count('circuit_breaker_requests_successful', 'Calls that the breaker took for a success.', ({ successes }) => successes),
  count('circuit_breaker_requests_failed', 'Calls that the breaker took for a failure.', ({ failures }) => failures),
  count('circuit_breaker_requests_rejected', 'Calls that the breaker did not let pass.', ({ rejections }) => rejections),
  {
    name: 'circuit_breaker_state_transitions',
    type: 'counter',
    help: 'Changes of state.',
    labels: ['from', 'to'],
    read: (breaker, add) => {
      for (const [change, times] of breaker.observe().transitions) {
        const [from, to] = change.split(' ') as [string, string];
        add(times, { from, to });
      }
    },
  },
  {
    name: 'circuit_breaker_request_duration_seconds',
    type: 'histogram',
    help: 'How long the calls took that the breaker let pass.',
    read: (breaker, add) => {
      const { durations } = breaker.observe();
      if (durations !== undefined) add(durations);
    },
  },
  {
    name: 'circuit_breaker_open_duration_seconds',
    type: 'histogram',
    help: 'How long circuits were not closed, from the opening until they closed again: the time to recover.',
    read: (breaker, add) => add(breaker.observe().openTimes),
  },
  figure(
    'circuit_breaker_failure_rate',
    'Share of failed calls in the window; the highest one of several keys.',
    larger,
    ({ failureRate }) => failureRate,
  ),
  figure(
    'circuit_breaker_slow_call_rate',
    'Share of slow calls in the window; the highest one of several keys.',
    larger,
    ({ slowCallRate }) => slowCallRate,
  ),
];

export const circuitBreakerTelemetry = {
  events: {
    'circuit-breaker.opened': {
      when: 'Too many calls failed or were slow, or a trial did: no call passes until the open time is over.',
      level: 'warn',
    },
    'circuit-breaker.half-opened': { when: 'The open time is over: trials pass.', level: 'log' },
    'circuit-breaker.closed': { when: 'Enough trials succeeded: all calls pass.', level: 'log' },
    'circuit-breaker.state-forced': { when: 'Somebody changed the state by hand.', level: 'warn' },
    'circuit-breaker.rejected': { when: 'A call was not let pass.', level: 'debug' },
  },
  counters: [
    {
      name: 'circuitBreakerTrips',
      meaning: 'How often a circuit opened.',
      read: (instance: unknown) => (instance as { readonly trips: number }).trips,
    },
    { name: 'circuitBreakerRejections', meaning: 'Calls that an open circuit did not let pass.', counter: 'rejections' },
  ],
  metrics: circuitBreakerMetrics as readonly MetricDeclaration[],
  sharesInstances: true,
} as const satisfies TelemetryDeclaration<CircuitBreakerEvent>;

/** Tells what a breaker does. */
export class CircuitBreakerEvents {
  constructor(
    private readonly hub: EventHub,
    private readonly policyName: string,
  ) {}

  transition(circuit: CircuitControl, { from, to, manual }: Transition, context: AdmissionContext): void {
    if (!this.hub.active) return;
    const common = { policyName: this.policyName, key: circuit.key };
    const { operationId } = context;
    if (manual && this.hub.hasListeners('circuit-breaker.state-forced'))
      this.hub.emit<CircuitBreakerStateForcedEvent>('circuit-breaker.state-forced', operationId, { ...common, from, to });
    if (to === 'open' && this.hub.hasListeners('circuit-breaker.opened'))
      this.hub.emit<CircuitBreakerOpenedEvent>('circuit-breaker.opened', operationId, { ...common, ...openingFacts(circuit, context) });
    if (to === 'half-open' && this.hub.hasListeners('circuit-breaker.half-opened'))
      this.hub.emit<CircuitBreakerHalfOpenedEvent>('circuit-breaker.half-opened', operationId, common);
    if (to === 'closed' && this.hub.hasListeners('circuit-breaker.closed'))
      this.hub.emit<CircuitBreakerClosedEvent>('circuit-breaker.closed', operationId, common);
  }

  rejected(key: string | undefined, operationId: string | undefined, retryAfterMs: number | undefined): void {
    if (this.hub.hasListenersForAttempts('circuit-breaker.rejected'))
      this.hub.emit<CircuitBreakerRejectedEvent>('circuit-breaker.rejected', operationId, {
        policyName: this.policyName,
        key,
        retryAfterMs,
      });
  }
}

function openingFacts(
  circuit: CircuitControl,
  context: AdmissionContext,
): Pick<CircuitBreakerOpenedEvent, 'calls' | 'failures' | 'slowCalls' | 'openMs' | 'lastError'> {
  return {
    calls: circuit.windowAtOpening?.calls,
    failures: circuit.windowAtOpening?.failures,
    slowCalls: circuit.windowAtOpening?.slowCalls,
    openMs: circuit.current.remainingMs?.(context),
    lastError: circuit.lastError,
  };
}
