import { defaultsOf, readOptions } from './composite-rules.js';
import { formatValue, type Problems } from './problems.js';
import type { Rules } from './rule.js';

/**
 * The options of an integration by their rules, with defaults; what is wrong is added to `problems`, all of it. Unlike a policy's,
 * they may be an instance of a class (`useClass` of an asynchronous module).
 */
export function readSettings<Settings extends object>(
  rules: Rules,
  input: unknown,
  problems: Problems,
  required: readonly (keyof Settings & string)[] = [],
): Settings {
  const settings = defaultsOf(rules);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    problems.add(`options must be an object, got ${formatValue(input)}`);
    return settings as Settings;
  }
  Object.assign(settings, readOptions(rules, input as Record<string, unknown>, problems));
  for (const option of required) {
    if ((input as Partial<Record<string, unknown>>)[option] === undefined) problems.add(`${option} is required: ${rules[option]!.expects}`);
  }
  return settings as Settings;
}
