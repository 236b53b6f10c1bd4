import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { ResilienceConfigError, type MetricFamily } from '../../core.js';
import { integer, Problems, readSettings, rule, formatValue, suggestion, text, type Rule, type Rules } from '../../options/index.js';

/** What `ResiliencePrometheusModule.register` takes. */
export interface ResiliencePrometheusOptions {
  /** Where the metrics go. Default: prom-client's own registry. */
  registry?: Registry;
  /**
   * Put before every name: `'shop_'` makes `shop_circuit_breaker_state`.
   * @default ''
   */
  prefix?: string;
  /** Other names for labels, e.g. `{ name: 'service' }`. */
  labels?: Readonly<Record<string, string>>;
  /**
   * Series of their own (label `key`) for so many keys of each breaker and bulkhead, the others together as `other`. 0: all
   * keys of an instance are one.
   * @default 0
   */
  keys?: number;
  /**
   * Series (`rate_limit_top_rejections`, label `client`) for so many of the clients that each rate limit turns away most. The label is
   * the key of the limit: who it is, as the `key` function says it. 0: none.
   * @default 0
   */
  clients?: number;
  /** Upper bounds of the buckets of durations, in seconds. Default: prom-client's, 5 ms to 10 s. */
  buckets?: readonly number[];
}

/** What is said where the module is imported. */
export interface ResiliencePrometheusExtras {
  /** Where a controller answers scrapes, e.g. `'/metrics'`. Without it there is none. */
  path?: string;
}

/** The options, checked. */
export interface PrometheusSettings {
  readonly prefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly keys: number;
  readonly clients: number;
  readonly buckets?: readonly number[];
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResiliencePrometheusOptions>({ moduleName: 'ResiliencePrometheus' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResiliencePrometheusOptions')
    .setExtras<ResiliencePrometheusExtras>({})
    .build();

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

const labelNames: Rule<Readonly<Record<string, string>>> = {
  expects: 'an object of label names',
  default: {},
  read(value, path, problems) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      problems.add(`${path} must be an object of label names, got ${formatValue(value)}`);
      return undefined;
    }
    for (const [label, name] of Object.entries(value)) {
      if (typeof name !== 'string' || !LABEL.test(name)) problems.add(`${path}.${label} must be a label name, got ${formatValue(name)}`);
    }
    return value as Record<string, string>;
  },
};

function isRegistry(value: unknown): value is Registry {
  const { registerMetric, getSingleMetric } = Object(value) as Partial<Registry>;
  return typeof registerMetric === 'function' && typeof getSingleMetric === 'function';
}

function ascending(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const bounds = value as readonly number[];
  return bounds.every((bound, index) => Number.isFinite(bound) && bound > (bounds[index - 1] ?? 0)) ? bounds : undefined;
}

const RULES: Rules = {
  registry: rule('a Registry of prom-client', (value) => (isRegistry(value) ? value : undefined), { isFunction: true }),
  prefix: rule(
    'the beginning of a metric name',
    (value) => (value === '' || (typeof value === 'string' && NAME.test(value)) ? value : undefined),
    { default: '' },
  ),
  labels: labelNames,
  keys: integer({ min: 0, default: 0 }),
  clients: integer({ min: 0, max: 100, default: 0 }),
  buckets: rule('ascending numbers of seconds > 0', ascending),
  path: text(),
};

/** Reads the options. @throws ResilienceConfigError with every mistake. */
export function readPrometheusOptions(
  options: unknown,
  metrics: readonly Pick<MetricFamily, 'name' | 'type' | 'labels'>[],
): PrometheusSettings {
  const problems = new Problems();
  const settings = problems.at('ResiliencePrometheusModule.register:', (found) => {
    const read = readSettings<PrometheusSettings>(RULES, options, found);
    checkLabels(read.labels, metrics, found);
    return read;
  });
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return settings;
}

/** Labels that are called alike would make series that nobody can tell apart, which Prometheus rejects. */
function checkLabels(
  labels: Readonly<Record<string, string>>,
  metrics: readonly Pick<MetricFamily, 'name' | 'type' | 'labels'>[],
  problems: Problems,
): void {
  const known = new Set(['key', ...metrics.flatMap((metric) => metric.labels)]);
  for (const label of Object.keys(labels)) {
    if (!known.has(label)) problems.add(`labels: there is no label ${formatValue(label)}${suggestion(label, known)}`);
  }
  for (const { name, type, labels: own } of metrics) {
    const taken = new Map(type === 'histogram' ? [['le', 'the bound of a bucket']] : []);
    for (const label of new Set([...own, 'key'])) {
      const shown = labels[label] ?? label;
      const other = taken.get(shown);
      if (other !== undefined) problems.add(`labels: ${formatValue(shown)} would be both ${other} and ${label} in ${name}`);
      taken.set(shown, label);
    }
  }
}
