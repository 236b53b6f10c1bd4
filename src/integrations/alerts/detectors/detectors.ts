import type { Resilience } from '../../../core.js';
import { formatEvent } from '../../../engine/telemetry/event-format.js';
import { matchesPattern } from '../../../engine/telemetry/events.js';
import { describeDuration, quoteText } from '../../../options/index.js';
import type { AlertState } from '../alert-state.js';
import type { Detector } from './detector.js';
import { conditionDetector } from './condition-detector.js';
import { OccurrenceCounter } from './occurrence-counter.js';
import { openCircuitDetector } from './open-circuit-detector.js';
import { RateWindow } from './rate-window.js';
import type { RuleSettings } from '../rule-settings.js';
import { subjectOf, type PolicyEvent } from './subject.js';
import { SustainedCondition } from './sustained-condition.js';

/** Makes the detector of a rule. */
export function detectorOf(rule: RuleSettings, book: AlertState, resilience: Resilience): Detector {
  switch (rule.on) {
    case 'open-circuit':
      return openCircuitDetector(rule, book, resilience);
    case 'event':
      return eventDetector(rule, book, resilience);
    case 'client':
      return clientDetector(rule, book, resilience);
    case 'use':
      return useDetector(rule, book, resilience);
    case 'condition':
      return conditionDetector(rule, book, resilience);
    default:
      return rateDetector(rule, book, resilience);
  }
}

function eventDetector(rule: RuleSettings<'event'>, book: AlertState, { environment: { clock } }: Resilience): Detector {
  const { event, policy, times, within, recoversOn, recoversAfter } = rule;
  const seen = new OccurrenceCounter(clock, times, within, recoversAfter);
  return {
    wants: (type) => matchesPattern(event, type) || (recoversOn !== undefined && matchesPattern(recoversOn, type)),
    hear(told: PolicyEvent) {
      if (policy !== undefined && told.policyName !== policy) return;
      const subject = subjectOf(told);
      if (recoversOn !== undefined && matchesPattern(recoversOn, told.type)) {
        seen.forget(subject);
        book.clear(subject, { subject, summary: formatEvent(told) });
      } else {
        const value = seen.count(subject);
        if (value >= times) book.raise({ subject, summary: formatEvent(told), value, threshold: times }, told);
      }
    },
    look() {
      if (recoversOn === undefined) for (const subject of seen.past()) book.clear(subject);
    },
  };
}

function clientDetector(rule: RuleSettings<'client'>, book: AlertState, { environment: { clock } }: Resilience): Detector {
  const { limiter, rejections, within } = rule;
  const seen = new OccurrenceCounter(clock, rejections, within, within);
  return {
    wants: (type) => type === 'rate-limit.rejected',
    hear(told: PolicyEvent) {
      if (told.key === undefined || (limiter !== undefined && told.policyName !== limiter)) return;
      const subject = subjectOf(told);
      const value = seen.count(subject);
      if (value < rejections) return;
      const summary = `Client ${quoteText(told.key)} was turned away ${value} times in ${describeDuration(within)} by "${told.policyName}"`;
      book.raise({ subject, summary, value, threshold: rejections }, told);
    },
    look() {
      for (const subject of seen.past()) book.clear(subject);
    },
  };
}

function rateDetector(rule: RuleSettings<'error-rate' | 'rejection-rate'>, book: AlertState, resilience: Resilience): Detector {
  const { on, above, over, operation, minimumCalls } = rule;
  const watch = new RateWindow(resilience.environment.clock, over);
  return {
    look() {
      for (const [subject, counts] of Object.entries(resilience.metrics().byOperation)) {
        if (operation !== undefined && subject !== operation) continue;
        const ended = counts.successes + counts.failures;
        const [of, all, what] =
          on === 'error-rate'
            ? ([counts.failures, ended, 'calls failed'] as const)
            : ([counts.rejections, counts.attempts, 'attempts were rejected'] as const);
        const { value, calls } = watch.count(subject, of, all);
        const summary = `${subject}: ${Math.round(value * 100)} % of ${calls} ${what} in ${describeDuration(over)}`;
        if (calls >= minimumCalls && value > above) book.raise({ subject, summary, value, threshold: above });
        else book.clear(subject, { subject, summary, value, threshold: above });
      }
    },
  };
}

function useDetector(rule: RuleSettings<'use'>, book: AlertState, resilience: Resilience): Detector {
  const held = new SustainedCondition(resilience.environment.clock, rule.for);
  return {
    look() {
      for (const { name, utilization: value } of resilience.bulkheads()) {
        if (rule.bulkhead !== undefined && rule.bulkhead !== name) continue;
        const summary = `Bulkhead "${name}": ${Math.round(value * 100)} % of its places are in use`;
        const finding = { subject: name, summary, value, threshold: rule.above };
        if (held.holds(name, value > rule.above)) book.raise(finding);
        else if (value <= rule.above) book.clear(name, finding);
      }
    },
  };
}
