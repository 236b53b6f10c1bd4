import type { PolicyDeclaration } from '../engine/contract/kind.js';

/** Several policies as one. */
export interface CombinedPolicy<Member = PolicyDeclaration> {
  readonly kind: 'combined';
  /** In the order of the source; which one is outermost is decided by `order`. */
  readonly policies: readonly Member[];
}

/** No protection at all, also where the class or a preset would give some. */
export interface NonePolicy {
  readonly kind: 'none';
}

/** Several policies as one: at most one of each kind. */
export function combine<Member>(...policies: readonly Member[]): CombinedPolicy<Member> {
  return { kind: 'combined', policies };
}

/** No protection at all. */
export function none(): NonePolicy {
  return { kind: 'none' };
}

export function isCombined(policy: PolicyDeclaration): policy is CombinedPolicy {
  return policy.kind === 'combined';
}

export function isNone(policy: PolicyDeclaration): policy is NonePolicy {
  return policy.kind === 'none';
}
