import type { Metric, Registry } from 'prom-client';
import { ResilienceConfigError, type MetricFamily, type MetricSeries, type MetricType } from '../../core.js';

/** Marks a metric of ours in a registry, whichever copy of the library put it there. */
const BRAND = Symbol.for('nestjs-bulwark: metric of prom-client');

/** One line of an answer to a scrape. */
interface Value {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** Where an application's figures of a metric come from. */
export interface FamilySource {
  /** Gives the metric as it is now. */
  readonly read: () => MetricFamily;
  readonly labels: Readonly<Record<string, string>>;
  /** What two registrations of one application must agree on. */
  readonly options: string;
  /** What two applications must agree on, so that their series can be added up. */
  readonly shape: string;
}

interface Registered extends FamilySource {
  /** How many modules of the application have registered it. */
  users: number;
}

/** What a metric is. */
export interface MetricHead {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** What two readings with equal labels are together; their sum where it is not there. */
  readonly merge?: (a: number, b: number) => number;
}

/**
 * A metric that holds no figures but reads them when the registry is asked: of every application in the process that has
 * registered it. To a registry it is like any other metric.
 */
export class PulledMetric {
  readonly [BRAND] = true;
  /** One of each application. */
  readonly sources = new Map<object, Registered>();
  /** Not readonly: a registry for OpenMetrics changes it. */
  name: string;
  readonly help: string;
  readonly type: MetricType;
  /** How a cluster's registry puts the figures of several processes together; it knows only a few ways. */
  readonly aggregator: 'sum' | 'max';
  private readonly merge: (a: number, b: number) => number;

  constructor({ name, help, type, merge }: MetricHead) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.aggregator = merge === undefined ? 'sum' : 'max';
    this.merge = merge ?? ((a, b) => a + b);
  }

  /** What prom-client's registries call. */
  get(): Promise<{ name: string; help: string; type: MetricType; values: Value[]; aggregator: string }> {
    const { name, help, type, aggregator } = this;
    const read = [...this.sources.values()].map((source) => source.read().series.flatMap((series) => this.valuesOf(series, source.labels)));
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
      const known = merged.get(id);
      merged.set(id, known === undefined ? value : { ...value, value: this.merge(known.value, value.value) });
    }
    return [...merged.values()];
  }

  private valuesOf({ labels: given, value }: MetricSeries, names: Readonly<Record<string, string>>): Value[] {
    const labels = Object.fromEntries(Object.entries(given).map(([label, text]) => [names[label] ?? label, text]));
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

const mistake = (what: string): ResilienceConfigError => new ResilienceConfigError([`ResiliencePrometheusModule.register: ${what}`]);

/**
 * Puts a metric into a registry, or a source to the one that is there: of another application, or of another module of the same,
 * which counts once. Gives what takes it out again.
 * @throws ResilienceConfigError where a stranger's metric has the name, or where the sources do not fit together.
 */
export function register(registry: Registry, head: MetricHead, application: object, source: FamilySource): () => void {
  const { name } = head;
  const known: unknown = registry.getSingleMetric(name);
  if (known !== undefined && (known as Partial<PulledMetric>)[BRAND] !== true) {
    throw mistake(`the registry has another metric "${name}" already; give ours a prefix, or a registry of their own`);
  }
  const metric = (known ?? new PulledMetric(head)) as PulledMetric;
  const own = metric.sources.get(application);
  if (own !== undefined && own.options !== source.options) {
    throw mistake(`another module of the application has registered "${name}" with other options; register once, or with a prefix`);
  }
  if (own === undefined && [...metric.sources.values()].some(({ shape }) => shape !== source.shape)) {
    throw mistake(`another application has "${name}" in the registry with other labels or buckets, so that they cannot be added up`);
  }
  // Its type names the classes of prom-client; a registry wants `name` of a metric, and asks it by `get`.
  if (known === undefined) registry.registerMetric(metric as unknown as Metric);
  const registered = own ?? { ...source, users: 0 };
  registered.users++;
  metric.sources.set(application, registered);
  return () => {
    if (--registered.users > 0) return;
    metric.sources.delete(application);
    // Somebody may have cleared the registry meanwhile, and put something else there.
    if (metric.sources.size === 0 && registry.getSingleMetric(name) === (metric as unknown)) registry.removeSingleMetric(name);
  };
}
