import { Inject, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { metrics as globalMetrics, trace as globalTrace } from '@opentelemetry/api';
import { ResilienceService } from '../index.js';
import { instrument } from './instruments.js';
import {
  ASYNC_OPTIONS_TYPE,
  checkOptions,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
  type ResilienceOpenTelemetryOptions,
} from './options.js';
import { SpanTracer } from './spans.js';

/** The scope of all instruments and spans. */
const SCOPE = 'nestjs-bulwark';

/**
 * The metrics of all policies as OpenTelemetry's instruments, and spans for calls and attempts:
 * `ResilienceOpenTelemetryModule.register()`, beside the SDK that the application has set up.
 */
@Module({})
export class ResilienceOpenTelemetryModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationShutdown {
  private stopMetrics: (() => void) | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ResilienceOpenTelemetryOptions,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {
    super();
    checkOptions(options);
  }

  static override register(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.register(options);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.registerAsync(options);
  }

  onModuleInit(): void {
    const { metrics = true, traces = 'attempt', keys = 0, meterProvider = globalMetrics, tracerProvider = globalTrace } = this.options;
    if (metrics) this.stopMetrics = instrument(this.resilience, meterProvider.getMeter(SCOPE), keys);
    if (traces !== false) this.resilience.trace(new SpanTracer(tracerProvider.getTracer(SCOPE), traces === 'attempt'));
  }

  onApplicationShutdown(): void {
    this.stopMetrics?.();
  }
}
