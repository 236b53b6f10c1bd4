import type { ResolvedPolicy } from '../engine/contract/kind.js';
import { writeOption } from '../options/index.js';

/** One layer of a compiled pipeline. */
export interface ExplainedLayer {
  readonly kind: string;
  /** The name of the instance that decides. */
  readonly name: string;
  /**
   * Every option in force (durations in milliseconds) with whose word it is: `default`, `profile ...`, `defaults`, `preset ...`,
   * `class`, `method`, `reconfigure`.
   */
  readonly options: Readonly<Record<string, { readonly value: unknown; readonly source: string }>>;
}

/** What protects an operation, outermost first. `String(explanation)` is readable. */
export interface Explanation {
  readonly operationId: string;
  readonly pipeline: readonly ExplainedLayer[];
  toString(): string;
}

/** A layer to be explained: its policy as it is in force, and which of the options the layer goes by (all). */
interface Layer {
  readonly policy: ResolvedPolicy;
  readonly options?: readonly string[] | undefined;
}

export function explain(operationId: string, layers: readonly Layer[]): Explanation {
  const pipeline = layers.map(({ policy, options: own }) => ({
    kind: policy.kind.kind,
    name: policy.name,
    options: Object.fromEntries(
      Object.entries(policy.options)
        .filter(([option]) => own === undefined || own.includes(option) || option === 'name')
        .map(([option, value]) => [option, { value, source: policy.sources[option] ?? 'default' }]),
    ),
  }));
  return { operationId, pipeline, toString: () => inWords(operationId, pipeline, layers) };
}

function inWords(operationId: string, pipeline: readonly ExplainedLayer[], layers: readonly Layer[]): string {
  if (pipeline.length === 0) return `${operationId}: not protected`;
  const lines = pipeline.map(({ kind, name, options }, depth) => {
    const { rules } = layers[depth]!.policy.kind;
    const shown = Object.entries(options).map(
      ([option, { value, source }]) => `${option} ${writeOption(rules[option], value)}${source === 'default' ? '' : ` (${source})`}`,
    );
    return `${'  '.repeat(depth + 1)}${kind}${name === operationId ? '' : ` "${name}"`}: ${shown.join(', ')}`;
  });
  return [operationId, ...lines].join('\n');
}
