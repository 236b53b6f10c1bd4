import { Problems, readSettings, type Rules } from '../../options/index.js';

/** What a look at the options of an enhancer gave. */
export interface OptionCheck {
  /** What is wrong with them, all of it, in sentences. */
  readonly problems: readonly string[];
  /** Whether routes can be compiled by them all the same, so that what is wrong with those is told in the same message. */
  readonly isUsable: boolean;
}

/**
 * Checks the options of an enhancer: types stop nobody who writes JavaScript. Without those of `needed` in their right shape, where
 * they are given, nothing can be compiled.
 */
export function checkOptions(
  location: string,
  rules: Rules,
  options: unknown,
  needed: readonly string[],
  required: readonly string[] = [],
): OptionCheck {
  const problems = new Problems();
  const read = problems.at(`${location}:`, (found) => readSettings<Record<string, unknown>>(rules, options, found, required));
  const given = Object(options) as Record<string, unknown>;
  const isMissing = required.some((option) => read[option] === undefined);
  const isMisshapen = needed.some((option) => given[option] !== undefined && read[option] === undefined);
  return { problems: problems.messages, isUsable: typeof options === 'object' && options !== null && !isMissing && !isMisshapen };
}
