import { eventPatterns, ResilienceConfigError, type Duration } from '../core.js';
import { parseDuration, show } from '../options/index.js';
import type { AlertChannel } from './alert.js';
import type { AlertRule } from './rules.js';

/** Options of rules that are durations. */
const DURATIONS = ['quiet', 'within', 'recoversAfter', 'over', 'for'];
/** Options of rules that are counts. */
const COUNTS = ['times', 'minimumCalls', 'rejections'];

/** @throws ResilienceConfigError with every mistake. */
export function checkRules(rules: readonly AlertRule[], channels: readonly AlertChannel[], every: Duration): void {
  const problems: string[] = [];
  const place = 'ResilienceAlertsModule.register:';
  const names = new Set<string>();
  for (const rule of rules) {
    const expect = (option: string, isRight: boolean, expected: string): void => {
      const value = (rule as unknown as Record<string, unknown>)[option];
      if (value !== undefined && !isRight)
        problems.push(`${place} rule ${show(rule.name)}: ${option} must be ${expected}, got ${show(value)}`);
    };
    const read = rule as unknown as Record<string, never>;
    if (typeof rule.name !== 'string' || rule.name === '') problems.push(`${place} each rule needs a name, got ${show(rule.name)}`);
    if (names.has(rule.name)) problems.push(`${place} there are two rules called ${show(rule.name)}`);
    names.add(rule.name);
    for (const option of DURATIONS) expect(option, parseDuration(read[option]!) !== undefined, 'a duration');
    for (const option of COUNTS) expect(option, Number.isSafeInteger(read[option]) && read[option]! >= 1, 'an integer >= 1');
    expect('above', read['above']! > 0 && read['above']! < 1, 'a number > 0 and < 1');
    for (const option of ['event', 'recoversOn'])
      expect(option, eventPatterns.includes(read[option]!), 'a type of event, or a group of them');
  }
  if (channels.length === 0) problems.push(`${place} channels must have at least one channel`);
  const everyMs = parseDuration(every);
  if (everyMs === undefined || everyMs <= 0) problems.push(`${place} every must be a duration > 0, got ${show(every)}`);
  if (problems.length > 0) throw new ResilienceConfigError(problems);
}
