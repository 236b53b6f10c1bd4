import type { CircuitStateName, Resilience } from '../../../core.js';
import { formatEvent } from '../../../engine/telemetry/event-format.js';
import type { AlertState } from '../alert-state.js';
import type { Detector } from './detector.js';
import type { RuleSettings } from '../rule-settings.js';
import { subjectOf, type PolicyEvent } from './subject.js';

interface StateEvent extends PolicyEvent {
  readonly to?: CircuitStateName;
}

const CHANGES = new Set(['circuit-breaker.opened', 'circuit-breaker.closed', 'circuit-breaker.state-forced']);

/** Nothing passes. */
const isOpen = (state: CircuitStateName): boolean => state === 'open' || state === 'forced-open';

/** A half-open circuit that was open is not well yet. */
const isOver = (state: CircuitStateName): boolean => !isOpen(state) && state !== 'half-open';

/** The state that an event is the news of. */
function stateOf({ type, to }: StateEvent): CircuitStateName {
  return to ?? (type === 'circuit-breaker.opened' ? 'open' : 'closed');
}

/**
 * Circuits that are open, by themselves or by hand. Events tell at once; a look makes sure of it, because a circuit whose key is
 * forgotten has no event, and one may have been opened before anybody listened.
 */
export function openCircuitDetector(rule: RuleSettings<'open-circuit'>, book: AlertState, resilience: Resilience): Detector {
  const isMeant = (name: string | undefined): boolean => rule.policy === undefined || rule.policy === name;
  return {
    wants: (type) => CHANGES.has(type),
    hear(told: StateEvent) {
      if (!isMeant(told.policyName)) return;
      const finding = { subject: subjectOf(told), summary: formatEvent(told) };
      const state = stateOf(told);
      if (isOpen(state)) book.raise(finding, told);
      else if (isOver(state)) book.clear(finding.subject, finding);
    },
    look() {
      const breakers = new Map(resilience.circuitBreakers().map((breaker) => [breaker.name, breaker]));
      for (const { subject, about } of book.firing()) {
        const breaker = breakers.get(about.policyName ?? '');
        const state = about.key === undefined ? breaker?.state : breaker?.stateOf(about.key);
        if (state === undefined || isOver(state)) book.clear(subject, { subject, summary: `Circuit ${subject} is ${state ?? 'gone'}` });
      }
      for (const { name, state } of breakers.values()) {
        if (isMeant(name) && isOpen(state) && !book.isFiring(name))
          book.raise({ subject: name, summary: `Circuit breaker "${name}" is ${state}` }, { policyName: name });
      }
    },
  };
}
