import type { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyKind } from '../engine/contract/kind.js';
import type { OperationCounts, LayerCounters } from '../engine/telemetry/operation-counts.js';
import type { Pipeline } from '../engine/pipeline/pipeline.js';
import type { Registry } from '../engine/state/registry.js';
import { UNNAMED } from './metrics.js';
import type { Operations } from './operations.js';
import type { ProtectedOperation } from '../engine/pipeline/protected-operation.js';
import type { CounterName } from '../policies/index.js';

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
  /** By operation; `(unnamed)` is what `execute` and `wrap` without a name did, all together. */
  readonly byOperation: Readonly<Record<string, OperationMetrics>>;
}

/** Reads the counters of operations. */
export class OperationMetricsReader {
  constructor(
    private readonly kinds: KindTable,
    private readonly registry: Registry,
    private readonly operations: Operations,
  ) {}

  /** One operation; what an instance that several share has counted is there in full. */
  of({ pipeline }: ProtectedOperation): OperationMetrics {
    const sums = this.zeros();
    this.addOperation(sums, pipeline);
    for (const { kind, name } of pipeline.layers) this.addInstance(sums, kind, this.registry.find(kind, name));
    return metricsOf(sums);
  }

  /** All of them and their total, in which every instance is counted once, also one that is used by hand only. */
  all(): ResilienceMetrics {
    const total = this.zeros();
    const byOperation: Record<string, OperationMetrics> = {};
    for (const operation of this.operations.all()) {
      byOperation[operation.id] = this.of(operation);
      this.addOperation(total, operation.pipeline);
    }
    const unnamed = this.unnamed();
    if (unnamed !== undefined) {
      this.addUnnamed(total);
      byOperation[UNNAMED] = unnamed;
    }
    for (const { kind, instance } of this.registry.list()) this.addInstance(total, kind, instance);
    return { total: metricsOf(total), byOperation };
  }

  /** The operations without a name, all together; undefined where there was no call. */
  unnamed(): OperationMetrics | undefined {
    if (this.operations.unnamedCounts.calls === 0) return undefined;
    const sums = this.zeros();
    this.addUnnamed(sums);
    return metricsOf(sums);
  }

  private addOperation(sums: Sums, { counts, layers, tallies }: Pipeline): void {
    addCounts(sums, counts);
    layers.forEach(({ kind }, layer) => this.addTally(sums, kind, tallies[layer]!));
  }

  private addUnnamed(sums: Sums): void {
    const { unnamedCounts } = this.operations;
    addCounts(sums, unnamedCounts);
    for (const [kind, tally] of unnamedCounts.byKind) this.addTally(sums, kind, tally);
  }

  private addTally(sums: Sums, kind: string, tally: LayerCounters): void {
    sums['attempts']! += tally.repeats;
    sums['rejections']! += tally.rejections;
    for (const counter of this.countersOf(kind)) {
      if (counter.counter !== undefined) sums[counter.name]! += tally[counter.counter];
    }
  }

  private addInstance(sums: Sums, kind: string, instance: unknown): void {
    if (instance === undefined) return;
    for (const { name, read } of this.countersOf(kind)) sums[name]! += read?.(instance) ?? 0;
  }

  private countersOf(kind: string): PolicyKind['telemetry']['counters'] {
    return this.kinds.find(kind)?.telemetry.counters ?? [];
  }

  private zeros(): Sums {
    const sums: Sums = { operations: 0, successes: 0, failures: 0, aborts: 0, attempts: 0, rejections: 0 };
    for (const { telemetry } of this.kinds) for (const { name } of telemetry.counters) sums[name] = 0;
    return sums;
  }
}

type Sums = Record<string, number>;

function addCounts(sums: Sums, { calls, successes, failures, aborts, branchAttempts }: OperationCounts): void {
  sums['operations']! += calls;
  sums['successes']! += successes;
  sums['failures']! += failures;
  sums['aborts']! += aborts;
  sums['attempts']! += calls + branchAttempts;
}

function metricsOf(sums: Sums): OperationMetrics {
  // The names are those of the counters that the kinds declare, of which the type is made too.
  return sums as unknown as OperationMetrics;
}
