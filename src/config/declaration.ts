import type { PolicyDeclaration } from '../engine/contract/kind.js';

/**
 * The order of layers, outermost first. Kinds that are named stand, in the order given, at the places that they hold together
 * in the usual order, and the others keep their own; or as the source declares them, top outermost.
 */
export type Order<Kind extends string = string> = readonly Kind[] | 'declared';

/** What was declared at one level, in the order of the source. */
export interface DeclaredLevel {
  /** Whose word it is: `class`, `method`, `execute`. */
  readonly source: string;
  readonly policies: readonly PolicyDeclaration[];
  /** Names of presets, weaker than all that is declared directly. */
  readonly presets?: readonly string[];
  readonly order?: Order | undefined;
}

/** An operation as it was declared. */
export interface OperationDeclaration {
  readonly id: string;
  /** Weakest first: class, then method. */
  readonly levels: readonly DeclaredLevel[];
  /** The object whose method it is; undefined for a function. */
  readonly target?: object | undefined;
  /** How a policy is written there: `@Retry` for a decorator, `retry` elsewhere. */
  readonly decorated: boolean;
  /** An open circuit of it makes readiness fail, where the policy does not say otherwise. */
  readonly critical?: boolean;
}
