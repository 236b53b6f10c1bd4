import type { Metric, Registry } from 'prom-client';
import { ResilienceConfigError, type MetricFamily, type MetricSeries, type MetricType } from '../core.js';

/** Marks a metric of ours in a registry, whichever copy of the library put it there. */
const BRAND = Symbol.for('nestjs-bulwark: metric of prom-client');

/** One line of an answer to a scrape. */
interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** Gives a metric as it is now. */
export type FamilySource = () => MetricFamily;

/**
 * A metric that holds no figures but reads them when the registry is asked: of every application in the process that has
 * registered it. To a registry it is like any other metric.
 */
export class PulledMetric {
  readonly [BRAND] = true;
  readonly sources = new Set<FamilySource>();

  constructor(
    /** Not readonly: a registry for OpenMetrics changes it. */
    public name: string,
    readonly help: string,
    readonly type: MetricType,
    /** How a cluster's registry puts the figures of several processes together. */
    readonly aggregator: 'sum' | 'max',
    private readonly labelNames: Readonly<Record<string, string>>,
  ) {}

  /** What prom-client's registries call. */
  get(): Promise<{ name: string; help: string; type: MetricType; values: Value[]; aggregator: string }> {
    const { name, help, type, aggregator } = this;
    const read = [...this.sources].map((source) => source().series.flatMap((series) => this.valuesOf(series)));
    const values = read.length === 1 ? read[0]! : this.together(read.flat());
    return Promise.resolve({ name, help, type, values, aggregator });
  }

  /** There is nothing here that could be reset. */
  reset(): void {
    // The figures belong to the policies.
  }

  /** Two applications may have series with equal labels; a scrape may not. */
  private together(values: readonly Value[]): Value[] {
    const merged = new Map<string, Value>();
    for (const value of values) {
      const id = JSON.stringify([value.metricName, Object.entries(value.labels)]);
      const known = merged.get(id)?.value;
      const sum = known === undefined ? value.value : this.aggregator === 'sum' ? known + value.value : Math.max(known, value.value);
      merged.set(id, { ...value, value: sum });
    }
    return [...merged.values()];
  }

  private valuesOf({ labels: given, value }: MetricSeries): Value[] {
    const labels = Object.fromEntries(Object.entries(given).map(([label, text]) => [this.labelNames[label] ?? label, text]));
    if (typeof value === 'number') return [{ labels, value }];
    let sum = 0;
    const buckets = [...value.bounds, '+Inf'].map((le, bucket) => {
      sum += value.counts[bucket]!;
      return { labels: { le, ...labels }, value: sum, metricName: `${this.name}_bucket` };
    });
    return [
      ...buckets,
      { labels, value: value.sum, metricName: `${this.name}_sum` },
      { labels, value: value.count, metricName: `${this.name}_count` },
    ];
  }
}

/**
 * Puts a metric into a registry, or a source to the one that another application of the process has put there; gives what takes
 * it out again.
 * @throws ResilienceConfigError where a stranger's metric has the name.
 */
export function register(registry: Registry, metric: PulledMetric, source: FamilySource): () => void {
  const known: unknown = registry.getSingleMetric(metric.name);
  if (known === undefined) registry.registerMetric(metric as unknown as Metric);
  else if ((known as Partial<PulledMetric>)[BRAND] !== true) {
    throw new ResilienceConfigError([
      `ResiliencePrometheusModule.register: the registry has another metric "${metric.name}" already; give ours a prefix, or a registry of their own`,
    ]);
  }
  const used = (known ?? metric) as PulledMetric;
  used.sources.add(source);
  return () => {
    used.sources.delete(source);
    if (used.sources.size === 0) registry.removeSingleMetric(metric.name);
  };
}
