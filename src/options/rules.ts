import { DURATION_PATTERN, parseDuration, writeDuration, type Duration } from './duration.js';
import { formatValue } from './problems.js';
import { suggestion } from './nearest.js';
import type { CodeRule, Default, Defaulted, JsonSchema, Rule } from './rule.js';

interface Extra<Written> {
  readonly default?: Written;
  readonly defaultNote?: string;
}

/** A rule from a test of single values. */
export function rule<Value>(
  expects: string,
  accept: (value: unknown) => Value | undefined,
  extra: Extra<unknown> & Pick<Rule, 'isFunction' | 'schema' | 'words'> = {},
): Rule<Value> {
  return {
    expects,
    ...extra,
    read(value, path, problems) {
      const accepted = accept(value);
      if (accepted === undefined) problems.add(`${path} must be ${expects}, got ${formatValue(value)}`);
      return accepted;
    },
  };
}

interface Range {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
}

function within(value: unknown, { min, max, above }: Range): value is number {
  return (
    typeof value === 'number' &&
    !Number.isNaN(value) &&
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above)
  );
}

function inWords(noun: string, { min, max, above }: Range): string {
  if (above !== undefined) return `${noun} > ${above}${max === undefined ? '' : ` and <= ${max}`}`;
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  return min === undefined ? noun : `${noun} >= ${min}`;
}

function rangeSchema({ min, max, above }: Range): JsonSchema {
  return {
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(above === undefined ? {} : { exclusiveMinimum: above }),
  };
}

/** A whole number; `Infinity` only where `unbounded`. */
export function integer(options: Range & { readonly unbounded?: boolean } & Default<number> & Extra<number>): Defaulted<number>;
export function integer(options: Range & { readonly unbounded?: boolean } & Extra<number>): Rule<number>;
export function integer(options: Range & Extra<number> & { readonly unbounded?: boolean }): Rule<number> {
  const words = `${inWords('an integer', options)}${options.unbounded === true ? ' or Infinity' : ''}`;
  const whole = (value: unknown) => Number.isSafeInteger(value) || (options.unbounded === true && value === Infinity);
  const schema = { type: 'integer', ...rangeSchema(options) };
  // Infinity is no JSON: a file says it by leaving the option out, code by the number.
  return rule(words, (value) => (whole(value) && within(value, options) ? value : undefined), { ...options, schema });
}

/** Any finite number in a range. */
export function number(options: Range & Default<number> & Extra<number>): Defaulted<number>;
export function number(options: Range & Extra<number>): Rule<number>;
export function number(options: Range & Extra<number>): Rule<number> {
  const finite = (value: unknown) => Number.isFinite(value) && within(value, options);
  const schema = { type: 'number', ...rangeSchema(options) };
  return rule(inWords('a number', options), (value) => (finite(value) ? (value as number) : undefined), { ...options, schema });
}

/** A share in (0, 1]. */
export function ratio(options: Default<number> & Extra<number>): Defaulted<number>;
export function ratio(options?: Extra<number>): Rule<number>;
export function ratio(extra: Extra<number> = {}): Rule<number> {
  return number({ above: 0, max: 1, ...extra });
}

function durationSchema(zero: boolean): JsonSchema {
  return {
    anyOf: [
      { type: 'number', ...(zero ? { minimum: 0 } : { exclusiveMinimum: 0 }) },
      { type: 'string', pattern: DURATION_PATTERN },
    ],
  };
}

/** A duration, normalised to milliseconds; `Infinity` only where `unbounded`. */
export function duration(
  options: { readonly zero?: boolean; readonly unbounded?: boolean } & Default<Duration> & Extra<Duration>,
): Defaulted<number>;
export function duration(options?: { readonly zero?: boolean; readonly unbounded?: boolean } & Extra<Duration>): Rule<number>;
export function duration(options: Extra<Duration> & { readonly zero?: boolean; readonly unbounded?: boolean } = {}): Rule<number> {
  const { zero = false, unbounded = false } = options;
  const words = `a duration${zero ? '' : ' > 0'} (milliseconds, or a string like "250ms", "10s", "5m"${unbounded ? ', or Infinity' : ''})`;
  return rule(
    words,
    (value) => {
      const milliseconds = unbounded && value === Infinity ? Infinity : parseDuration(value);
      return milliseconds === 0 && !zero ? undefined : milliseconds;
    },
    {
      ...options,
      schema: durationSchema(zero),
      words: (value) => (typeof value === 'number' ? writeDuration(value) : undefined),
    },
  );
}

/** True or false. */
export function flag(options: Default<boolean> & Extra<boolean>): Defaulted<boolean>;
export function flag(options: Extra<boolean>): Rule<boolean>;
export function flag(extra: Extra<boolean>): Rule<boolean> {
  return rule('true or false', (value) => (typeof value === 'boolean' ? value : undefined), { ...extra, schema: { type: 'boolean' } });
}

/** One of a few words. */
export function choice<const Word extends string>(
  words: readonly Word[],
  extra: Default<NoInfer<Word>> & Extra<NoInfer<Word>>,
): Defaulted<Word>;
export function choice<const Word extends string>(words: readonly Word[], extra?: Extra<NoInfer<Word>>): Rule<Word>;
export function choice<const Word extends string>(words: readonly Word[], extra: Extra<NoInfer<Word>> = {}): Rule<Word> {
  const expects = words.map((word) => `'${word}'`).join(' or ');
  return {
    expects,
    schema: { enum: words },
    ...extra,
    read(value, path, problems) {
      const found = words.find((word) => word === value);
      if (found === undefined) {
        const hint = typeof value === 'string' ? suggestion(value, words) : '';
        problems.add(`${path} must be ${expects}, got ${formatValue(value)}${hint}`);
      }
      return found;
    },
  };
}

/** A text that is not empty. */
export function text(options: Default<string> & Extra<string>): Defaulted<string>;
export function text(options?: Extra<string>): Rule<string>;
export function text(extra: Extra<string> = {}): Rule<string> {
  return rule('a text that is not empty', (value) => (typeof value === 'string' && value !== '' ? value : undefined), {
    ...extra,
    schema: { type: 'string', minLength: 1 },
  });
}

/** A function of the user's. */
export function callback<Callback>(signature: string): CodeRule<Callback> {
  return {
    ...rule(`a function ${signature}`, (value) => (typeof value === 'function' ? (value as Callback) : undefined)),
    isFunction: true,
  };
}

/** Anything at all. */
export function anything(): Rule<{ readonly value: unknown }> {
  return rule('any value', (value) => ({ value }), { schema: {} });
}
