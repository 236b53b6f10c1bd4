import type { Problems } from './problems.js';

/**
 * What is known of one option: how it is checked, normalised, described and what it is when left out.
 * Validation, the option tables of the docs and the defaults all follow from this one place.
 */
export interface Rule<Value = unknown> {
  /** The range in words that fit behind "must be": `an integer >= 1`. */
  readonly expects: string;
  /** What the option is when left out, as a user would write it; `undefined` where there is none. */
  readonly default?: unknown;
  /** Why the default is what it is, where it is not a constant: `= halfOpenCalls`. */
  readonly defaultNote?: string;
  /** True where the value is a function or holds one, so that it is no plain data. */
  readonly isFunction?: boolean;
  /** The value as a JSON schema says it, where it can be plain data. */
  readonly schema?: JsonSchema;
  /** A normalised value as a user would write it, or `undefined` where it is not one of this rule's. */
  readonly words?: (value: unknown) => string | undefined;
  /** The normalised value (durations in milliseconds), or `undefined` after a problem was added. */
  read(value: unknown, path: string, problems: Problems): Value | undefined;
}

/** A JSON schema (draft 2020-12), as far as options need it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One rule for every option of a policy. */
export type Rules = Readonly<Record<string, Rule>>;

/** A rule whose option is always there, as it has a default. */
export type Defaulted<Value> = Rule<Value> & Default<unknown>;

/** A rule whose value is a function, or holds one. */
export type CodeRule<Value> = Rule<Value> & { readonly isFunction: true };

type ValueOf<One> = One extends Rule<infer Value> ? Value : never;

/** What options come to by their rules: normalised, and always there where there is a default. */
export type OptionsOf<All extends Rules> = {
  readonly [Option in keyof All as All[Option] extends Default<unknown> ? Option : never]: ValueOf<All[Option]>;
} & {
  readonly [Option in keyof All as All[Option] extends Default<unknown> ? never : Option]?: ValueOf<All[Option]>;
};

/** The same without functions and without the name: plain data, which all who use a name must agree on. */
export type DataOf<All extends Rules> = OptionsOf<{
  readonly [Option in keyof All as All[Option] extends CodeRule<unknown> ? never : Option extends 'name' ? never : Option]: All[Option];
}>;

/** What a rule with a default is made of. */
export interface Default<Written> {
  readonly default: Written;
}
