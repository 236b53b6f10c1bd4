/** `nestjs-bulwark/prometheus`: metrics for Prometheus, on prom-client. */
export { ResiliencePrometheusModule } from './resilience-prometheus.module.js';
export type { ResiliencePrometheusExtras, ResiliencePrometheusOptions } from './options.js';
