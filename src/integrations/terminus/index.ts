/** `nestjs-bulwark/terminus`: health of what the policies protect, for `@nestjs/terminus` 11.1+ and 12. */
export type { HealthStatus } from './health-entry.js';
export { ResilienceHealthModule } from './resilience-health.module.js';
export {
  ResilienceHealthIndicator,
  type BulkheadHealthOptions,
  type CircuitBreakerHealthOptions,
  type HealthSelection,
  type RateLimiterHealthOptions,
} from './resilience.health.js';
