import type { LayerReading } from '../engine/contract/kind.js';
import type { KindTable } from '../engine/contract/kind-table.js';
import type { Registry } from '../engine/state/registry.js';
import type { LabelValues, MetricDeclaration, MetricType } from '../engine/telemetry/metric.js';
import type { Operations } from './operations.js';
import type { Environment } from '../engine/environment.js';
import { sharedStoreOf } from '../policies/shared-store.js';
import { storeTelemetry } from '../policies/store.telemetry.js';
import { operationTelemetry } from '../engine/telemetry/operation.telemetry.js';

/** How many durations fell into which bucket. */
export interface HistogramReading {
  /** Upper bounds in seconds. */
  readonly bounds: readonly number[];
  /** By bucket, not added up; one more than there are bounds. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
  readonly count: number;
}

export interface MetricSeries {
  /** `name`, and what else tells it apart. */
  readonly labels: LabelValues;
  readonly value: number | HistogramReading;
}

/** One metric with all its series, as of now. */
export interface MetricFamily {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  readonly series: readonly MetricSeries[];
}

export interface CollectOptions {
  /**
   * Series of their own (label `key`) for so many keys of each instance, the first that came, and the others together as
   * `other`. 0: all keys of an instance are one.
   * @default 0
   */
  readonly keys?: number;
  /**
   * Series of their own (label `client`) for so many of the clients that each rate limit turns away most. Who they are is for whoever
   * may see keys, so there are none by default.
   * @default 0
   */
  readonly clients?: number;
}

interface Source {
  readonly name: string;
  readonly source: unknown;
}

/** What operations without a name are shown as, all together. */
export const UNNAMED = '(unnamed)';

/** Reads the metrics that the kinds declare; knows none of them. */
export class MetricsReader {
  private readonly declarations = new Map<string, { readonly declaration: MetricDeclaration; readonly sources: () => Iterable<Source> }>();

  constructor(
    kinds: KindTable,
    private readonly operations: Operations,
    private readonly registry: Registry,
    private readonly environment: Environment,
  ) {
    const all = (declarations: readonly MetricDeclaration[], sources: () => Iterable<Source>): void => {
      for (const declaration of declarations) this.declarations.set(declaration.name, { declaration, sources });
    };
    all(operationTelemetry.metrics, () => this.pipelines());
    all(storeTelemetry.metrics, () => this.store());
    for (const { kind, telemetry } of kinds) {
      all(telemetry.metrics, () => (telemetry.sharesInstances === true ? this.instances(kind) : this.layers(kind)));
    }
  }

  /** Names, types and meanings, without a reading. */
  list(): readonly MetricDeclaration[] {
    return [...this.declarations.values()].map(({ declaration }) => declaration);
  }

  read(name: string, { keys = 0, clients = 0 }: CollectOptions): MetricFamily {
    const { declaration, sources } = this.declarations.get(name)!;
    const merge = declaration.merge ?? ((a: number, b: number) => a + b);
    const series = new Map<string, { labels: LabelValues; value: number | HistogramReading }>();
    for (const { name: instance, source } of sources()) {
      declaration.read(
        source as never,
        (value, labels) => {
          const shown = { name: instance, ...labels };
          const id = JSON.stringify(Object.values(shown));
          const known = series.get(id);
          if (known === undefined) series.set(id, { labels: shown, value });
          else
            known.value = typeof value === 'number' ? merge(known.value as number, value) : added(known.value as HistogramReading, value);
        },
        keys,
        clients,
      );
    }
    const { type, help, labels = [] } = declaration;
    return { name, type, help, labels: ['name', ...labels], series: [...series.values()] };
  }

  private *pipelines(): Generator<Source> {
    for (const { id, pipeline } of this.operations.all()) {
      const { counts, watch } = pipeline;
      yield { name: id, source: { counts, watch } };
    }
    const { unnamedCounts: counts } = this.operations;
    if (counts.calls > 0) yield { name: UNNAMED, source: { counts, watch: undefined } };
  }

  private *store(): Generator<Source> {
    const store = sharedStoreOf(this.environment);
    if (store !== undefined) yield { name: store.settings.group, source: store };
  }

  private *instances(kind: string): Generator<Source> {
    for (const { name, instance } of this.registry.list(kind)) yield { name, source: instance };
  }

  private *layers(kind: string): Generator<Source> {
    for (const { pipeline } of this.operations.all()) {
      for (const [layer, strategy] of pipeline.layers.entries()) {
        const source: LayerReading = { strategy, counters: pipeline.tallies[layer]! };
        if (strategy.kind === kind) yield { name: strategy.name, source };
      }
    }
  }
}

function added(a: HistogramReading, b: HistogramReading): HistogramReading {
  const counts = Array.from(a.counts, (count, bucket) => count + (b.counts[bucket] ?? 0));
  return { bounds: a.bounds, counts, sum: a.sum + b.sum, count: a.count + b.count };
}
