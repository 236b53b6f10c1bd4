import { Inject, Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ResilienceConfigError } from '../../core.js';
import { ResilienceService } from '../../index.js';
import { instrument } from './instruments.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
  readOpenTelemetryOptions,
  type OpenTelemetrySettings,
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
  private leave: (() => void) | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ResilienceOpenTelemetryOptions,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {
    super();
  }

  static override register(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.register(options);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.registerAsync(options);
  }

  /** @throws ResilienceConfigError with every mistake, or where another module of the application says otherwise. */
  onModuleInit(): void {
    this.leave = joinApplication(this.resilience, readOpenTelemetryOptions(this.options));
  }

  onApplicationShutdown(): void {
    this.leave?.();
    this.leave = undefined;
  }
}

/** What an application is seen by, and by how many modules. */
interface Registration {
  readonly settings: OpenTelemetrySettings;
  readonly stop: () => void;
  users: number;
}

const registrations = new WeakMap<ResilienceService, Registration>();

/** Several modules of an application may import this one; its calls are measured and followed once. */
function joinApplication(resilience: ResilienceService, settings: OpenTelemetrySettings): () => void {
  const registration = registrations.get(resilience) ?? { settings, stop: begin(resilience, settings), users: 0 };
  const options = Object.keys(settings) as (keyof OpenTelemetrySettings)[];
  const others = options.filter((option) => registration.settings[option] !== settings[option]);
  if (others.length > 0) {
    throw new ResilienceConfigError([
      `ResilienceOpenTelemetryModule.register: another module of the application has registered with other ${others.join(', ')}; register once (a MeterProvider may have several readers)`,
    ]);
  }
  registration.users++;
  registrations.set(resilience, registration);
  return () => {
    if (--registration.users > 0) return;
    registrations.delete(resilience);
    registration.stop();
  };
}

function begin(resilience: ResilienceService, settings: OpenTelemetrySettings): () => void {
  const { metrics, traces, keys, clients, meterProvider, tracerProvider } = settings;
  const stopMetrics = metrics ? instrument(resilience, meterProvider.getMeter(SCOPE), { keys, clients }) : undefined;
  if (traces !== false) resilience.trace(new SpanTracer(tracerProvider.getTracer(SCOPE), traces === 'attempt'));
  return () => stopMetrics?.();
}
