/** `nestjs-bulwark/terminus`: health of what the policies protect, for `@nestjs/terminus` 11.1+ and 12. */
export type { BulkheadHealthOptions, CircuitBreakerHealthOptions, HealthStatus, RateLimiterHealthOptions } from '../../core.js';
export type { StoreHealthOptions } from './store-health.js';
export { ResilienceHealthModule } from './resilience-health.module.js';
export { ResilienceHealthIndicator } from './resilience.health.js';
