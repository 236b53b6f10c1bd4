import type { PolicyKind } from '../engine/contract/kind.js';
import type { Problems } from '../options/index.js';

/** What an operator says about a policy that is declared already. */
export interface Adjustment {
  /** Whose word it is: `override PaymentsClient`, `env RESILIENCE_RETRY_MAXATTEMPTS`. */
  readonly source: string;
  /** Off, on again, or nothing said about it. */
  readonly enabled?: boolean | undefined;
  /** Normalised options. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Where adjustments come from: `overrides`, or environment variables. */
export interface OverrideSource {
  /** What is said about one policy, weakest first. `scopes` are the names that it can be spoken of by, see `scopesOf`. */
  adjust(scopes: readonly string[], kind: PolicyKind, problems: Problems): readonly Adjustment[];
  /** What was said and met no policy, in sentences. */
  unmatched(): readonly string[];
}

/** Every policy. */
export const EVERYTHING = '*';

/**
 * The names that a policy is spoken of by, weakest first: all, its class, its own name, its operation. Where the operation has
 * several of the kind, its id speaks of them all and the name of one of them, so the name is the stronger word.
 */
export function scopesOf(operationId: string, policyName: unknown, isOneOfSeveral = false): readonly string[] {
  const id = operationId.replace(/#\d+$/, '');
  const dot = id.indexOf('.');
  const own = typeof policyName === 'string' ? [policyName] : [];
  const scopes = [EVERYTHING, ...(dot > 0 ? [id.slice(0, dot)] : []), ...(isOneOfSeveral ? [id, ...own] : [...own, id])];
  return [...new Set(scopes)];
}
