import { ConfigurableModuleBuilder } from '@nestjs/common';
import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { ResilienceConfigError } from '../../core.js';
import { flag, integer, Problems, readSettings, rule, type Rules } from '../../options/index.js';

/** What `ResilienceOpenTelemetryModule.register` takes. */
export interface ResilienceOpenTelemetryOptions {
  /**
   * The metrics of all policies as instruments.
   * @default true
   */
  metrics?: boolean;
  /**
   * A span for each call of a protected operation, with one for each of its attempts (`'attempt'`) or without; or none.
   * @default 'attempt'
   */
  traces?: 'operation' | 'attempt' | false;
  /**
   * Readings of their own (attribute `resilience.key`) for so many keys of each breaker and bulkhead, the others together as
   * `other`. 0: all keys of an instance are one.
   * @default 0
   */
  keys?: number;
  /**
   * Readings of their own (attribute `resilience.client`) for so many of the clients that each rate limit turns away most; 0: none.
   * @default 0
   */
  clients?: number;
  /** Default: the global one of `@opentelemetry/api`. */
  meterProvider?: MeterProvider;
  /** Default: the global one of `@opentelemetry/api`. */
  tracerProvider?: TracerProvider;
}

/** The options, checked. */
export type OpenTelemetrySettings = Required<ResilienceOpenTelemetryOptions>;

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResilienceOpenTelemetryOptions>({ moduleName: 'ResilienceOpenTelemetry' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResilienceOpenTelemetryOptions')
    .build();

const has = (method: string) => (value: unknown) =>
  typeof (Object(value) as Record<string, unknown>)[method] === 'function' ? value : undefined;

const TRACES = new Set<unknown>(['operation', 'attempt', false]);

const RULES: Rules = {
  metrics: flag({ default: true }),
  traces: rule("'operation', 'attempt' or false", (value) => (TRACES.has(value) ? value : undefined), { default: 'attempt' }),
  keys: integer({ min: 0, default: 0 }),
  clients: integer({ min: 0, max: 100, default: 0 }),
  meterProvider: rule('a MeterProvider of OpenTelemetry', has('getMeter'), { isFunction: true }),
  tracerProvider: rule('a TracerProvider of OpenTelemetry', has('getTracer'), { isFunction: true }),
};

/** Reads the options. @throws ResilienceConfigError with every mistake. */
export function readOpenTelemetryOptions(options: unknown): OpenTelemetrySettings {
  const problems = new Problems();
  const settings = problems.at('ResilienceOpenTelemetryModule.register:', (found) =>
    readSettings<OpenTelemetrySettings>(RULES, options, found),
  );
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return { ...settings, meterProvider: settings.meterProvider ?? metrics, tracerProvider: settings.tracerProvider ?? trace };
}
