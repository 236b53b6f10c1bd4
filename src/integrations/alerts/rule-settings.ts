import { eventPatterns, type DurationUnit } from '../../core.js';
import {
  callback,
  choice,
  duration,
  integer,
  readSettings,
  rule,
  formatValue,
  suggestion,
  text,
  type Problems,
  type Rule,
  type Rules,
} from '../../options/index.js';
import { SEVERITIES } from './alert.js';
import type { AlertRule } from './rules.js';

type Kind = AlertRule['on'];

/** A type of event, a group of them, or all. */
const eventPattern: Rule<string> = {
  expects: 'a type of event, or a group of them',
  read(value, path, problems) {
    const found = eventPatterns.find((pattern) => pattern === value);
    if (found === undefined) {
      const hint = typeof value === 'string' ? suggestion(value, eventPatterns) : '';
      problems.add(`${path} must be a type of event, or a group of them, got ${formatValue(value)}${hint}`);
    }
    return found;
  },
};

/** A share that something can be above. */
const share = rule('a number > 0 and < 1', (value) => (typeof value === 'number' && value > 0 && value < 1 ? value : undefined));

const COMMON: Rules = {
  name: text(),
  severity: choice(SEVERITIES, { default: 'warning' }),
  repeatInterval: duration({ zero: true, default: '5m' }),
  maxPerMinute: integer({ min: 1, max: 10_000, default: 20 }),
};

const RATE: Rules = {
  operation: text(),
  above: share,
  over: duration({ default: '1m' }),
  minimumCalls: integer({ min: 1, default: 20 }),
};

const RULES: Readonly<Record<Kind, { readonly rules: Rules; readonly required: readonly string[] }>> = {
  'open-circuit': { rules: { policy: text() }, required: [] },
  event: {
    rules: {
      event: eventPattern,
      policy: text(),
      times: integer({ min: 1, max: 10_000, default: 1 }),
      within: duration({ default: '1m' }),
      recoversOn: eventPattern,
      recoversAfter: duration({ zero: true, default: '1m' }),
    },
    required: ['event'],
  },
  'error-rate': { rules: RATE, required: ['above'] },
  'rejection-rate': { rules: RATE, required: ['above'] },
  client: {
    rules: { limiter: text(), rejections: integer({ min: 1, max: 10_000 }), within: duration({ default: '1m' }) },
    required: ['rejections'],
  },
  use: { rules: { bulkhead: text(), above: share, for: duration({ zero: true, default: '30s' }) }, required: ['above'] },
  condition: {
    rules: {
      condition: callback('(resilience, signal) => boolean'),
      summary: text(),
      for: duration({ zero: true, default: 0 }),
      timeout: duration({ default: '30s' }),
    },
    required: ['condition'],
  },
};

/** Options that have a value in every rule that knows them. */
type Filled =
  'severity' | 'repeatInterval' | 'maxPerMinute' | 'times' | 'within' | 'recoversAfter' | 'over' | 'minimumCalls' | 'for' | 'timeout';

/** A duration, once it is read, is a number of milliseconds. */
type Read<Value> = Value extends `${number}${DurationUnit}` ? never : Value;

type Settled<Rule> = { readonly [Option in Extract<keyof Rule, Filled>]-?: Read<Exclude<Rule[Option], undefined>> } & {
  readonly [Option in Exclude<keyof Rule, Filled>]: Read<Rule[Option]>;
};

/** A rule that was checked: with its defaults, durations in milliseconds. */
export type RuleSettings<On extends Kind = Kind> = On extends Kind ? Settled<Extract<AlertRule, { readonly on: On }>> : never;

/** Reads rules; what is wrong is added to `problems`, all of it. */
export function readRules(given: unknown, problems: Problems): readonly RuleSettings[] {
  if (!Array.isArray(given)) {
    problems.add(`rules must be a list of rules, got ${formatValue(given)}`);
    return [];
  }
  const names = new Set<unknown>();
  return given.flatMap((one: unknown) => {
    const { on, ...options } = Object(one) as Readonly<Record<string, unknown>>;
    const { name } = options;
    if (typeof on !== 'string' || !Object.hasOwn(RULES, on)) {
      problems.add(`each of rules must be made by onOpenCircuit, onEvent, ..., got ${formatValue(one)}`);
      return [];
    }
    if (name !== undefined && names.has(name)) problems.add(`rules: there are two rules called ${formatValue(name)}`);
    names.add(name);
    const { rules, required } = RULES[on as Kind];
    const settings = problems.at(`rule ${formatValue(name)}:`, (found) =>
      readSettings<Record<string, unknown>>({ ...COMMON, ...rules }, options, found, ['name', ...required]),
    );
    // The rules of `on` have read them, one kind of many: which one, only `on` says.
    return [{ on, ...settings } as unknown as RuleSettings];
  });
}
