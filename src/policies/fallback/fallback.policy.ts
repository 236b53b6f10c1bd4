import {
  anything,
  callback,
  failureRules,
  isRecord,
  rule,
  formatValue,
  text,
  readOptions,
  Problems,
  type FailureOptions,
  type ErrorFilter,
  type CodeRule,
  type OptionsOf,
  type Rule,
} from '../../options/index.js';

/** Gives a value in place of the method's, knowing the error and the arguments of the call. */
export type FallbackFunction<Args extends readonly unknown[] = readonly never[], Result = unknown> = (
  error: unknown,
  ...args: Args
) => Result | PromiseLike<Result>;

/** A substitute: a method's name, a function, or a fixed value. */
export type FallbackUse<Args extends readonly unknown[] = readonly never[], Result = unknown, Name extends string = string> =
  Name | FallbackFunction<Args, Result> | { readonly value: Result };

/** A substitute, or one that only answers for certain errors. */
export type FallbackTier<Args extends readonly unknown[] = readonly never[], Result = unknown, Name extends string = string> =
  FallbackUse<Args, Result, Name> | { readonly on: ErrorFilter<Args>; readonly use: FallbackUse<Args, Result, Name> };

/** Answers with something else after a failure. */
export interface FallbackOptions<
  Args extends readonly unknown[] = readonly never[],
  Result = unknown,
  Name extends string = string,
> extends FailureOptions<Result, Args> {
  /** Substitutes, tried in order until one answers and passes `validate`. Required, unless `value` is given. */
  tiers?: readonly FallbackTier<Args, Result, Name>[];
  /** A fixed value; short for `tiers: [{ value }]`. */
  value?: Result;
  /** A tier's answer counts only where this is true. */
  validate?: (value: Result) => boolean;
  /** Shown in events and metrics. Default: the operation id. */
  name?: string;
}

/** `policies.fallback(...)`. */
export interface FallbackPolicy<Args extends readonly unknown[] = readonly never[], Result = unknown> extends FallbackOptions<
  Args,
  Result
> {
  readonly kind: 'fallback';
}

/** A tier as the strategy takes it. */
export interface Tier {
  readonly on?: ErrorFilter;
  readonly method?: string;
  readonly produce?: (error: unknown, ...args: readonly unknown[]) => unknown;
  readonly value?: unknown;
}

const WHAT_A_TIER_IS = "a method's name, a function (error, ...args) => value, { value }, or { on, use }";

function readUse(value: unknown): Tier | undefined {
  if (typeof value === 'string' && value !== '') return { method: value };
  if (typeof value === 'function') return { produce: value as Tier['produce'] & {} };
  return isRecord(value) && Object.keys(value).join() === 'value' ? { value: value['value'] } : undefined;
}

const tierRules = {
  on: failureRules.on,
  use: rule(WHAT_A_TIER_IS, readUse),
};

function readTier(value: unknown, path: string, problems: Problems): Tier | undefined {
  const plain = readUse(value);
  if (plain !== undefined) return plain;
  if (!isRecord(value) || !('use' in value)) {
    problems.add(`${path} must be ${WHAT_A_TIER_IS}, got ${formatValue(value)}`);
    return undefined;
  }
  const { on, use } = readOptions(tierRules, value, problems, `${path}.`) as { on?: ErrorFilter; use?: Tier };
  return use === undefined ? undefined : { ...use, ...(on === undefined ? {} : { on }) };
}

const tiers: CodeRule<readonly Tier[]> = {
  expects: `a list of tiers, each ${WHAT_A_TIER_IS}`,
  isFunction: true,
  read(value, path, problems) {
    if (!Array.isArray(value) || value.length === 0) {
      problems.add(`${path} must be a list that is not empty, each ${WHAT_A_TIER_IS}, got ${formatValue(value)}`);
      return undefined;
    }
    const read = value.map((tier, index) => readTier(tier, `${path}[${index}]`, problems));
    return read.includes(undefined) ? undefined : (read as Tier[]);
  },
};

export const fallbackRules = {
  tiers,
  value: anything(),
  validate: callback<(value: unknown) => boolean>('(value) => boolean'),
  ...failureRules,
  name: text({ defaultNote: 'operation id' }),
} satisfies Record<keyof FallbackOptions, Rule>;

/** Its options as they are resolved. */
export type ResolvedFallback = OptionsOf<typeof fallbackRules>;

/** Answers with something else: `fallback(() => [])`, `fallback({ value: [] })`, `fallback({ tiers: [...] })`. */
export function fallback<Args extends readonly unknown[] = readonly never[], Result = unknown>(
  options: FallbackUse<Args, Result> | FallbackOptions<Args, Result>,
): FallbackPolicy<Args, Result> {
  if (!isRecord(options)) return { tiers: [options as FallbackUse<Args, Result>], kind: 'fallback' };
  const { value, ...rest } = options as FallbackOptions<Args, Result>;
  // A value may be undefined, so what counts is whether it was written.
  const fixed =
    'value' in options && !('tiers' in options)
      ? { tiers: [{ value: value as Result }] }
      : 'value' in options
        ? { value: value as Result }
        : {};
  return { ...rest, ...fixed, kind: 'fallback' };
}
