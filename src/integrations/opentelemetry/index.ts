/** `nestjs-bulwark/opentelemetry`: metrics and traces, on `@opentelemetry/api` alone. */
export { ResilienceOpenTelemetryModule } from './resilience-opentelemetry.module.js';
export type { ResilienceOpenTelemetryOptions } from './options.js';
