import type { ResolvedPolicy } from '../engine/kind.js';
import { show } from '../options/index.js';

/** One layer of a compiled pipeline. */
export interface ExplainedLayer {
  readonly kind: string;
  /** The name of the instance that decides. */
  readonly name: string;
  /** Every option (durations in milliseconds) with whose word it is: `default`, `defaults`, `preset ...`, `class`, `method`. */
  readonly options: Readonly<Record<string, { readonly value: unknown; readonly source: string }>>;
}

/** What protects an operation, outermost first. `String(explanation)` is readable. */
export interface Explanation {
  readonly operationId: string;
  readonly pipeline: readonly ExplainedLayer[];
  toString(): string;
}

export function explain(operationId: string, policies: readonly ResolvedPolicy[]): Explanation {
  const pipeline = policies.map(({ kind, options, sources }) => ({
    kind: kind.kind,
    name: typeof options['name'] === 'string' ? options['name'] : operationId,
    options: Object.fromEntries(
      Object.entries(options).map(([option, value]) => [option, { value, source: sources[option] ?? 'default' }]),
    ),
  }));
  return { operationId, pipeline, toString: () => inWords(operationId, pipeline) };
}

function inWords(operationId: string, pipeline: readonly ExplainedLayer[]): string {
  if (pipeline.length === 0) return `${operationId}: not protected`;
  const lines = pipeline.map(({ kind, name, options }, depth) => {
    const shown = Object.entries(options).map(
      ([option, { value, source }]) => `${option} ${show(value)}${source === 'default' ? '' : ` (${source})`}`,
    );
    return `${'  '.repeat(depth + 1)}${kind}${name === operationId ? '' : ` "${name}"`}: ${shown.join(', ')}`;
  });
  return [operationId, ...lines].join('\n');
}
