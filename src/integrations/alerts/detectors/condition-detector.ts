import type { Resilience } from '../../../core.js';
import { isThenable } from '../../../engine/drivers/promises.js';
import { describeDuration } from '../../../options/index.js';
import type { AlertState } from '../alert-state.js';
import type { Detector } from './detector.js';
import type { RuleSettings } from '../rule-settings.js';
import { SustainedCondition } from './sustained-condition.js';

/** Asks a condition of the user's, who may throw, reject, or never answer: that harms no other rule. */
export function conditionDetector(rule: RuleSettings<'condition'>, book: AlertState, resilience: Resilience): Detector {
  const { clock } = resilience.environment;
  const held = new SustainedCondition(clock, rule.for);
  /** Ends the wait for the answer that is on its way, if one is. */
  let giveUp: ((reason: Error) => void) | undefined;

  const told = (isTrue: boolean): void => {
    if (held.holds(rule.name, isTrue)) book.raise({ subject: rule.name, summary: rule.summary ?? rule.name });
    else if (!isTrue) book.clear(rule.name);
  };
  const failed = (error: unknown): void => resilience.environment.callbackFailed(`alert rule "${rule.name}"`, undefined, error);

  const waitFor = (answer: PromiseLike<unknown>, asking: AbortController): void => {
    const late = new Error(`the condition did not answer in ${describeDuration(rule.timeout)}; it is asked anew`);
    const timer = clock.setTimer(() => {
      giveUp?.(late);
      failed(late);
    }, rule.timeout);
    const end = (reason?: Error): void => {
      if (giveUp !== end) return;
      giveUp = undefined;
      clock.clearTimer(timer);
      if (reason !== undefined) asking.abort(reason);
    };
    giveUp = end;
    Promise.resolve(answer)
      .then((value) => {
        if (giveUp !== end) return;
        end();
        told(Boolean(value));
      })
      .catch((error: unknown) => {
        end();
        // What an aborted one rejects with says nothing new.
        if (!asking.signal.aborted) failed(error);
      });
  };

  return {
    look() {
      if (giveUp !== undefined) return;
      const asking = new AbortController();
      const answer: unknown = rule.condition(resilience, asking.signal);
      if (isThenable(answer)) waitFor(answer, asking);
      else told(Boolean(answer));
    },
    stop() {
      giveUp?.(new Error('the application shuts down'));
    },
  };
}
