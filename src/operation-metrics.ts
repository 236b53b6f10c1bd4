import type { PolicyKind } from './engine/kind.js';
import type { Strategy } from './engine/strategy.js';
import type { ProtectedOperation } from './engine/protected-operation.js';
import type { CounterName } from './policies/index.js';

/** One protected operation as it is listed. */
export interface OperationSummary {
  readonly operationId: string;
  readonly policies: readonly { readonly kind: string; readonly name: string }[];
}

/** What an operation, or all of them together, did since the start. */
export type OperationMetrics = {
  /** Calls of the operation. */
  readonly operations: number;
  /** Calls that were answered, also by a fallback. */
  readonly successes: number;
  /** Calls that ended with an error. */
  readonly failures: number;
  /** Calls given up by their caller. */
  readonly aborts: number;
  /** Calls and what was tried again. */
  readonly attempts: number;
  /** Attempts that a policy turned away. */
  readonly rejections: number;
} & { readonly [Counter in CounterName]: number };

/** The counters of everything. */
export interface ResilienceMetrics {
  readonly total: OperationMetrics;
  readonly byOperation: Readonly<Record<string, OperationMetrics>>;
}

/** Reads the counters of some operations; what a strategy that several share has counted is taken once. */
export function readMetrics(operations: readonly ProtectedOperation[], kinds: readonly PolicyKind[]): OperationMetrics {
  const sums: Record<string, number> = { operations: 0, successes: 0, failures: 0, aborts: 0, attempts: 0, rejections: 0 };
  for (const { telemetry } of kinds) for (const { name } of telemetry.counters) sums[name] = 0;
  const shared = new Map<string, Strategy>();
  for (const { pipeline } of operations) {
    sums['operations']! += pipeline.calls;
    sums['successes']! += pipeline.successes;
    sums['failures']! += pipeline.failures;
    sums['aborts']! += pipeline.aborts;
    sums['attempts']! += pipeline.calls;
    for (const { repeats, refusals } of pipeline.tallies) {
      sums['attempts']! += repeats;
      sums['rejections']! += refusals;
    }
    pipeline.layers.forEach((strategy, layer) => {
      shared.set(`${strategy.kind} ${strategy.name}`, strategy);
      for (const { name, tally } of countersOf(strategy, kinds)) {
        if (tally !== undefined) sums[name]! += pipeline.tallies[layer]![tally];
      }
    });
  }
  for (const strategy of shared.values()) {
    for (const { name, read } of countersOf(strategy, kinds)) sums[name]! += read?.(strategy) ?? 0;
  }
  return sums as unknown as OperationMetrics;
}

function countersOf(strategy: Strategy, kinds: readonly PolicyKind[]): PolicyKind['telemetry']['counters'] {
  return kinds.find(({ kind }) => kind === strategy.kind)?.telemetry.counters ?? [];
}
