import type { Resilience } from '../core.js';
import { wordsOf } from '../engine/telemetry/event-words.js';
import { meets, type EventBase } from '../engine/telemetry/events.js';
import { describeDuration, parseDuration, type Duration } from '../options/index.js';
import type { AlertBook } from './alert-book.js';
import type { AlertRule } from './rules.js';
import { RateWatch } from './rate-watch.js';
import { Recurrences } from './recurrences.js';

/** Looks for what a rule is about, and tells the book. */
export interface Detector {
  /** The events that it wants to hear. */
  readonly wants?: (type: string) => boolean;
  hear?(event: EventBase): void;
  /** Looks around; called again and again. */
  look?(): void | Promise<void>;
}

type Rule<On extends AlertRule['on']> = Extract<AlertRule, { readonly on: On }>;

/** The facts of events that rules look at. */
interface PolicyEvent extends EventBase {
  readonly policyName?: string;
  readonly key?: string;
}

const ms = (duration: Duration | undefined, standard: Duration): number => parseDuration(duration ?? standard)!;

/** Makes the detector of a rule. */
export function detectorOf(rule: AlertRule, book: AlertBook, resilience: Resilience): Detector {
  if (rule.on === 'event') return ofEvents(rule, book, resilience);
  if (rule.on === 'client') return ofClients(rule, book, resilience);
  if (rule.on === 'use') return ofUse(rule, book, resilience);
  if (rule.on === 'condition') return ofCondition(rule, book, resilience);
  return ofRates(rule, book, resilience);
}

function ofEvents(rule: Rule<'event'>, book: AlertBook, { environment: { clock } }: Resilience): Detector {
  const { event, policy, times = 1, within, recoversOn, recoversAfter } = rule;
  const seen = new Recurrences(clock, ms(within, '1m'), ms(recoversAfter, '1m'));
  return {
    wants: (type) => meets(event, type) || (recoversOn !== undefined && meets(recoversOn, type)),
    hear(told: PolicyEvent) {
      if (policy !== undefined && told.policyName !== policy) return;
      const subject = subjectOf(told);
      if (recoversOn !== undefined && meets(recoversOn, told.type)) {
        seen.forget(subject);
        book.clear(subject, { subject, summary: wordsOf(told) });
      } else {
        const value = seen.note(subject);
        if (value >= times) book.raise({ subject, summary: wordsOf(told), value, threshold: times });
      }
    },
    look() {
      if (recoversOn === undefined) for (const subject of seen.past()) book.clear(subject);
    },
  };
}

function ofClients(rule: Rule<'client'>, book: AlertBook, { environment: { clock } }: Resilience): Detector {
  const { limiter, rejections, within } = rule;
  const withinMs = ms(within, '1m');
  const seen = new Recurrences(clock, withinMs, withinMs);
  return {
    wants: (type) => type === 'rate-limit.rejected',
    hear(told: PolicyEvent) {
      if (told.key === undefined || (limiter !== undefined && told.policyName !== limiter)) return;
      const subject = subjectOf(told);
      const value = seen.note(subject);
      const summary = `Client ${JSON.stringify(told.key)} was turned away ${value} times in ${describeDuration(withinMs)} by "${told.policyName}"`;
      if (value >= rejections) book.raise({ subject, summary, value, threshold: rejections });
    },
    look() {
      for (const subject of seen.past()) book.clear(subject);
    },
  };
}

function ofRates(rule: Rule<'error-rate' | 'rejection-rate'>, book: AlertBook, resilience: Resilience): Detector {
  const { on, above, over, operation, minimumCalls = 20 } = rule;
  const overMs = ms(over, '1m');
  const watch = new RateWatch(resilience.environment.clock, overMs);
  return {
    look() {
      for (const [subject, counts] of Object.entries(resilience.metrics().byOperation)) {
        if (operation !== undefined && subject !== operation) continue;
        const ended = counts.successes + counts.failures;
        const [of, all, what] =
          on === 'error-rate'
            ? ([counts.failures, ended, 'calls failed'] as const)
            : ([counts.rejections, counts.attempts, 'attempts were rejected'] as const);
        const { value, calls } = watch.note(subject, of, all);
        const summary = `${subject}: ${Math.round(value * 100)} % of ${calls} ${what} in ${describeDuration(overMs)}`;
        if (calls >= minimumCalls && value > above) book.raise({ subject, summary, value, threshold: above });
        else book.clear(subject, { subject, summary, value, threshold: above });
      }
    },
  };
}

function ofUse(rule: Rule<'use'>, book: AlertBook, resilience: Resilience): Detector {
  const held = new Holding(resilience, ms(rule.for, '30s'));
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

function ofCondition(rule: Rule<'condition'>, book: AlertBook, resilience: Resilience): Detector {
  const held = new Holding(resilience, ms(rule.for, 0));
  return {
    async look() {
      const isTrue = await rule.condition(resilience);
      const finding = { subject: rule.name, summary: rule.summary ?? rule.name };
      if (held.holds(rule.name, isTrue)) book.raise(finding);
      else if (!isTrue) book.clear(rule.name);
    },
  };
}

/** Whether something has been so for long enough. */
class Holding {
  private readonly since = new Map<string, number>();

  constructor(
    private readonly resilience: Resilience,
    private readonly forMs: number,
  ) {}

  holds(subject: string, isSo: boolean): boolean {
    if (!isSo) {
      this.since.delete(subject);
      return false;
    }
    const now = this.resilience.environment.clock.now();
    const since = this.since.get(subject) ?? now;
    this.since.set(subject, since);
    return now - since >= this.forMs;
  }
}

/** What an event is about: its policy with the key, or its operation. */
function subjectOf({ policyName, key, operationId, type }: PolicyEvent): string {
  const what = policyName ?? operationId ?? type;
  return key === undefined ? what : `${what} ${JSON.stringify(key)}`;
}
