import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { register as defaultRegistry, type Registry } from 'prom-client';
import { ResilienceService, type MetricFamily } from '../../index.js';
import { metricsController, REGISTRY } from './metrics.controller.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
  readPrometheusOptions,
  type PrometheusSettings,
  type ResiliencePrometheusOptions,
} from './options.js';
import { register } from './pulled-metric.js';

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
      // What is no registry is told of at startup, with all other mistakes.
      useFactory: (options?: ResiliencePrometheusOptions): Registry => options?.registry ?? defaultRegistry,
    },
  ],
  exports: [REGISTRY],
})
export class ResiliencePrometheusModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  private registered: (() => void)[] = [];

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ResiliencePrometheusOptions,
    @Inject(REGISTRY) private readonly registry: Registry,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {
    super();
  }

  static override register(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withController(super.register(options), options.path);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return withController(super.registerAsync(options), options.path);
  }

  /** @throws ResilienceConfigError with every mistake. */
  onModuleInit(): void {
    this.resilience.measure(this.read().buckets);
  }

  /**
   * The registry outlives the application, so nothing is put into it before all modules have begun: where one of them fails,
   * nobody would take it out again.
   * @throws ResilienceConfigError where the registry has another metric of one of the names.
   */
  onApplicationBootstrap(): void {
    const { prefix, labels, keys, clients, buckets } = this.read();
    const shape = JSON.stringify([labels, buckets]);
    const options = JSON.stringify([labels, buckets, keys, clients]);
    try {
      for (const { name, help, type, merge } of this.resilience.metricDeclarations()) {
        const head = { name: `${prefix}${name}`, help, type, ...(merge === undefined ? {} : { merge }) };
        const read = (): MetricFamily => this.resilience.collectOne(name, { keys, clients });
        this.registered.push(register(this.registry, head, this.resilience, { read, labels, options, shape }));
      }
    } catch (error) {
      this.takeOut();
      throw error;
    }
  }

  /** The last scrape may come while the application shuts down; after that a registry must not keep it alive. */
  onApplicationShutdown(): void {
    this.takeOut();
  }

  private read(): PrometheusSettings {
    const heads = this.resilience.metricDeclarations().map(({ name, type, labels = [] }) => ({ name, type, labels: ['name', ...labels] }));
    return readPrometheusOptions(this.options, heads);
  }

  private takeOut(): void {
    for (const takeOut of this.registered.splice(0)) takeOut();
  }
}

function withController(module: DynamicModule, path: string | undefined): DynamicModule {
  return path === undefined ? module : { ...module, controllers: [...(module.controllers ?? []), metricsController(path)] };
}
