import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
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
export class ResilienceOpenTelemetryModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
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

  /**
   * A meter outlives the application, so it reads nothing before all modules have begun: where one of them fails, nobody would take
   * the application away from it again.
   */
  onApplicationBootstrap(): void {
    beginMetrics(this.resilience);
  }

  onApplicationShutdown(): void {
    this.leave?.();
    this.leave = undefined;
  }
}

/** What an application is seen by, and by how many modules. */
interface Registration {
  readonly settings: OpenTelemetrySettings;
  stopMetrics?: () => void;
  users: number;
}

const registrations = new WeakMap<ResilienceService, Registration>();

/** Several modules of an application may import this one; its calls are measured and followed once. */
function joinApplication(resilience: ResilienceService, settings: OpenTelemetrySettings): () => void {
  const registration = registrations.get(resilience) ?? begin(resilience, settings);
  const options = Object.keys(settings) as (keyof OpenTelemetrySettings)[];
  const others = options.filter((option) => registration.settings[option] !== settings[option]);
  if (others.length > 0) {
    throw new ResilienceConfigError([
      `ResilienceOpenTelemetryModule.register: another module of the application has registered with other ${others.join(', ')}; register once (a MeterProvider may have several readers)`,
    ]);
  }
  registration.users++;
  return () => {
    if (--registration.users > 0) return;
    registrations.delete(resilience);
    registration.stopMetrics?.();
  };
}

/** Spans, which only the application itself knows of. */
function begin(resilience: ResilienceService, settings: OpenTelemetrySettings): Registration {
  const { metrics, traces, tracerProvider } = settings;
  if (metrics) resilience.measure();
  if (traces !== false) resilience.trace(new SpanTracer(tracerProvider.getTracer(SCOPE), traces === 'attempt'));
  const registration: Registration = { settings, users: 0 };
  registrations.set(resilience, registration);
  return registration;
}

function beginMetrics(resilience: ResilienceService): void {
  const registration = registrations.get(resilience);
  if (registration?.settings.metrics !== true) return;
  const { meterProvider, keys, clients } = registration.settings;
  registration.stopMetrics ??= instrument(resilience, meterProvider.getMeter(SCOPE), { keys, clients });
}
