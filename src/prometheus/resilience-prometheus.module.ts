import { Inject, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { register as defaultRegistry, type Registry } from 'prom-client';
import { ResilienceService } from '../index.js';
import { metricsController, REGISTRY } from './metrics.controller.js';
import {
  ASYNC_OPTIONS_TYPE,
  checkOptions,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
  type ResiliencePrometheusOptions,
} from './options.js';
import { PulledMetric, register } from './pulled-metric.js';

/**
 * Shows the metrics of all policies in a registry of prom-client, and with `path` to a scraper:
 * `ResiliencePrometheusModule.register({ path: '/metrics' })`. Figures are read when they are asked for; what a call pays is
 * the measuring of its duration.
 */
@Module({
  providers: [
    {
      provide: REGISTRY,
      inject: [MODULE_OPTIONS_TOKEN],
      useFactory: ({ registry = defaultRegistry }: ResiliencePrometheusOptions): Registry => registry,
    },
  ],
  exports: [REGISTRY],
})
export class ResiliencePrometheusModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationShutdown {
  private registered: (() => void)[] = [];

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ResiliencePrometheusOptions,
    @Inject(REGISTRY) private readonly registry: Registry,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {
    super();
    checkOptions(options);
  }

  static override register(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withController(super.register(options), options.path);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withController(super.registerAsync(options), options.path);
  }

  /** @throws ResilienceConfigError where the registry has another metric of one of the names. */
  onModuleInit(): void {
    const { prefix = '', labels = {}, keys = 0, buckets } = this.options;
    this.resilience.measure(buckets);
    for (const { name, help, type, merge } of this.resilience.metricDeclarations()) {
      const metric = new PulledMetric(`${prefix}${name}`, help, type, merge === undefined ? 'sum' : 'max', labels);
      this.registered.push(register(this.registry, metric, () => this.resilience.collectOne(name, { keys })));
    }
  }

  /** The last scrape may come while the application shuts down; after that a registry must not keep it alive. */
  onApplicationShutdown(): void {
    for (const takeOut of this.registered.splice(0)) takeOut();
  }
}

function withController(module: DynamicModule, path: string | undefined): DynamicModule {
  return path === undefined ? module : { ...module, controllers: [...(module.controllers ?? []), metricsController(path)] };
}
