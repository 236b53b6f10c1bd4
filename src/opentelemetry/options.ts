import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { ResilienceConfigError } from '../core.js';

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
  /** Default: the global one of `@opentelemetry/api`. */
  meterProvider?: MeterProvider;
  /** Default: the global one of `@opentelemetry/api`. */
  tracerProvider?: TracerProvider;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResilienceOpenTelemetryOptions>({ moduleName: 'ResilienceOpenTelemetry' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResilienceOpenTelemetryOptions')
    .build();

/** @throws ResilienceConfigError with every mistake. */
export function checkOptions({ traces, keys }: ResilienceOpenTelemetryOptions): void {
  const problems: string[] = [];
  const place = 'ResilienceOpenTelemetryModule.register:';
  if (traces !== undefined && traces !== false && traces !== 'operation' && traces !== 'attempt') {
    problems.push(`${place} traces must be 'operation', 'attempt' or false, got ${JSON.stringify(traces)}`);
  }
  if (keys !== undefined && !(Number.isSafeInteger(keys) && keys >= 0)) {
    problems.push(`${place} keys must be an integer >= 0, got ${JSON.stringify(keys)}`);
  }
  if (problems.length > 0) throw new ResilienceConfigError(problems);
}
