import { suggestion } from './nearest.js';
import { formatValue, Problems } from './problems.js';
import type { CodeRule, Defaulted, JsonSchema, OptionsOf, Rule, Rules } from './rule.js';

/** A plain object, not an array, a class instance or a function. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm (a Jest sandbox, a vm context) has another Object.prototype, whose prototype is null.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What stands in an object, or undefined where it is none (or a list), or a getter of it throws. */
export function entriesOf(value: unknown): [string, unknown][] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  try {
    return Object.entries(value);
  } catch {
    return undefined;
  }
}

/** Checks every option of `input` by its rule and gives those that are there, normalised. Unknown ones get a suggestion. */
export function readOptions(rules: Rules, input: Record<string, unknown>, problems: Problems, prefix = ''): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const given = entriesOf(input);
  if (given === undefined) problems.add(`${prefix}options cannot be read: a getter throws`);
  for (const [option, value] of given ?? []) {
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    if (rule === undefined) {
      problems.add(`has no option "${prefix}${option}"${suggestion(option, Object.keys(rules))}`);
    } else if (value !== undefined) {
      const read = rule.read(value, `${prefix}${option}`, problems);
      if (read !== undefined) result[option] = read;
    }
  }
  return result;
}

/** The defaults of `rules`, normalised. */
export function defaultsOf(rules: Rules): Record<string, unknown> {
  const written = Object.entries(rules).filter(([, rule]) => rule.default !== undefined);
  return readOptions(rules, Object.fromEntries(written.map(([option, rule]) => [option, rule.default])), new Problems());
}

function inWords(rules: Rules, value: Record<string, unknown>): string {
  const parts = Object.entries(value).map(([option, one]) => `${option}: ${writeOption(rules[option], one)}`);
  return `{ ${parts.join(', ')} }`;
}

/** A normalised value as a user would write it: durations with their unit. */
export function writeOption(rule: Rule | undefined, value: unknown): string {
  return rule?.words?.(value) ?? formatValue(value);
}

/** The rules of an object as a JSON schema; functions are not for files. */
export function objectSchema(rules: Rules, required: readonly string[] = []): JsonSchema {
  const properties = Object.entries(rules).flatMap(([option, { isFunction: code, schema }]) =>
    code === true || schema === undefined ? [] : [[option, schema]],
  );
  return {
    type: 'object',
    properties: Object.fromEntries(properties) as JsonSchema,
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
  };
}

/** What an object with options of its own comes to: those that have a default are there, and those that are needed. */
type Filled<All extends Rules, Needed extends keyof OptionsOf<All>> = OptionsOf<All> & Required<Pick<OptionsOf<All>, Needed>>;

/** An object with options of its own, which get their defaults. `check` looks at several of them together. */
export function record<All extends Rules, const Needed extends keyof OptionsOf<All> & string = never>(
  words: string,
  rules: All,
  required: readonly Needed[],
  check?: (value: Filled<All, Needed>, path: string, problems: Problems) => void,
): Rule<Filled<All, Needed>> {
  return {
    expects: words,
    schema: objectSchema(rules, required),
    words: (value) => (isRecord(value) ? inWords(rules, value) : undefined),
    read(value, path, problems) {
      if (!isRecord(value)) {
        problems.add(`${path} must be ${words}, got ${formatValue(value)}`);
        return undefined;
      }
      const before = problems.messages.length;
      const read = { ...defaultsOf(rules), ...readOptions(rules, value, problems, `${path}.`) } as Filled<All, Needed>;
      for (const option of required) {
        if (value[option] === undefined) problems.add(`${path}.${option} is required: ${rules[option]?.expects}`);
      }
      if (problems.messages.length === before) check?.(read, path, problems);
      return problems.messages.length === before ? read : undefined;
    },
  };
}

/** The first of several rules that accepts the value. An object that none accepts is judged by the rule for objects. */
export function either<Value>(
  rules: readonly Rule<Value>[],
  extra: { readonly default: unknown; readonly isFunction: true },
): Defaulted<Value> & CodeRule<Value>;
export function either<Value>(rules: readonly Rule<Value>[], extra: { readonly default: unknown }): Defaulted<Value>;
export function either<Value>(rules: readonly Rule<Value>[]): Rule<Value>;
export function either<Value>(
  rules: readonly Rule<Value>[],
  extra: { readonly default?: unknown; readonly isFunction?: true } = {},
): Rule<Value> {
  const expects = rules.map((rule) => rule.expects).join(', or ');
  const schemas = rules.flatMap(({ schema }) => (schema === undefined ? [] : [schema]));
  return {
    expects,
    ...(schemas.length === 0 ? {} : { schema: { anyOf: schemas } }),
    words(value) {
      for (const { words } of rules) {
        const written = words?.(value);
        if (written !== undefined) return written;
      }
      return undefined;
    },
    ...extra,
    read(value, path, problems) {
      let ofObject: Problems | undefined;
      for (const rule of rules) {
        const attempt = new Problems();
        const read = rule.read(value, path, attempt);
        if (read !== undefined) return read;
        if (isRecord(value) && !attempt.messages.some((message) => message.startsWith(`${path} must be`))) ofObject = attempt;
      }
      if (ofObject === undefined) problems.add(`${path} must be ${expects}, got ${formatValue(value)}`);
      else ofObject.messages.forEach((message) => problems.add(message));
      return undefined;
    },
  };
}

/**
 * Options from a short form: what is no object is the value of `option`. A value of the wrong type is kept, so that
 * validation names it.
 */
export function shorthand<Options extends object>(option: keyof Options & string, input: unknown): Options {
  const entries = isRecord(input) ? entriesOf(input) : undefined;
  return (entries === undefined ? { [option]: input } : Object.fromEntries(entries)) as Options;
}

/**
 * A policy of a kind, as its function declares it; the options are a new object. Declarations are made by the thousand, and V8 gives
 * each object that a spread makes and that grows afterwards a shape of its own: more memory than the rest of it.
 */
export function declare<Kind extends string, Options extends object>(kind: Kind, options: Options): Options & { readonly kind: Kind } {
  return Object.assign(options, { kind });
}
