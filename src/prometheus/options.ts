import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { ResilienceConfigError } from '../core.js';

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
  /** Upper bounds of the buckets of durations, in seconds. Default: prom-client's, 5 ms to 10 s. */
  buckets?: readonly number[];
}

/** What is said where the module is imported. */
export interface ResiliencePrometheusExtras {
  /** Where a controller answers scrapes, e.g. `'/metrics'`. Without it there is none. */
  path?: string;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResiliencePrometheusOptions>({ moduleName: 'ResiliencePrometheus' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResiliencePrometheusOptions')
    .setExtras<ResiliencePrometheusExtras>({})
    .build();

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** @throws ResilienceConfigError with every mistake. */
export function checkOptions({ prefix, labels, keys, buckets }: ResiliencePrometheusOptions): void {
  const problems: string[] = [];
  const expect = (option: string, isRight: boolean, expected: string, value: unknown): void => {
    if (!isRight) problems.push(`ResiliencePrometheusModule.register: ${option} must be ${expected}, got ${JSON.stringify(value)}`);
  };
  if (prefix !== undefined && prefix !== '') expect('prefix', NAME.test(prefix), 'the beginning of a metric name', prefix);
  for (const [label, name] of Object.entries(labels ?? {})) expect(`labels.${label}`, LABEL.test(name), 'a label name', name);
  if (keys !== undefined) expect('keys', Number.isSafeInteger(keys) && keys >= 0, 'an integer >= 0', keys);
  if (buckets !== undefined) {
    const ascends = buckets.every((bound, index) => Number.isFinite(bound) && bound > (buckets[index - 1] ?? 0));
    expect('buckets', buckets.length > 0 && ascends, 'ascending numbers of seconds > 0', buckets);
  }
  if (problems.length > 0) throw new ResilienceConfigError(problems);
}
