import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ResilienceService } from '../../nest/index.js';
import { bulkheadEntries, circuitBreakerEntries, rateLimiterEntries, worstOf, type HealthEntry } from './health-entry.js';
import {
  readBulkheadOptions,
  readCircuitBreakerOptions,
  readRateLimiterOptions,
  type BulkheadHealthOptions,
  type CircuitBreakerHealthOptions,
  type HealthStatus,
  type RateLimiterHealthOptions,
} from './health-options.js';

/**
 * What the policies know of the health of what the application depends on, for readiness. Never for liveness: an open
 * circuit says that something else is ill, and restarting this process does not heal it.
 *
 * With Terminus 12 there is `degraded` (HTTP 200); with Terminus 11, which does not know it, that is told as `up`.
 *
 * Each method throws a ResilienceConfigError that names every mistake in its options.
 */
@Injectable()
export class ResilienceHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly health: HealthIndicatorService,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {}

  /** The circuit breakers, each with state, rates, calls in the window, time to the next trial and class of the last error. */
  circuitBreakers<Key extends string>(key: Key, options: CircuitBreakerHealthOptions = {}): HealthIndicatorResult<Key> {
    return this.tell(key, circuitBreakerEntries(this.resilience, readCircuitBreakerOptions(options)));
  }

  /** The bulkheads, each with places in use and who waits. */
  bulkheads<Key extends string>(key: Key, options: BulkheadHealthOptions = {}): HealthIndicatorResult<Key> {
    return this.tell(key, bulkheadEntries(this.resilience, readBulkheadOptions(options)));
  }

  /** The rate limiters, each with what is left. */
  rateLimiters<Key extends string>(key: Key, options: RateLimiterHealthOptions = {}): HealthIndicatorResult<Key> {
    return this.tell(key, rateLimiterEntries(this.resilience, readRateLimiterOptions(options)));
  }

  /** All of it together. */
  isHealthy<Key extends string>(key: Key): HealthIndicatorResult<Key> {
    const groups = {
      circuitBreakers: circuitBreakerEntries(this.resilience, {}),
      bulkheads: bulkheadEntries(this.resilience, {}),
      rateLimiters: rateLimiterEntries(this.resilience, {}),
    };
    const details = Object.fromEntries(Object.entries(groups).map(([group, findings]) => [group, detailsOf(findings)]));
    return this.compose(key, worstOf(Object.values(groups).flat()), details);
  }

  private tell<Key extends string>(key: Key, findings: readonly HealthEntry[]): HealthIndicatorResult<Key> {
    return this.compose(key, worstOf(findings), detailsOf(findings));
  }

  private compose<Key extends string>(key: Key, status: HealthStatus, details: Record<string, unknown>): HealthIndicatorResult<Key> {
    const session = this.health.check(key);
    if (status === 'down') return session.down(details);
    // Terminus 11 drops a status that it does not know.
    if (status === 'degraded' && 'degraded' in session) return session.degraded(details);
    return session.up(details);
  }
}

/** By name; Terminus keeps `status` for itself. */
function detailsOf(findings: readonly HealthEntry[]): Record<string, unknown> {
  return Object.fromEntries(findings.map(({ name, details }) => [name === 'status' ? `${name} (name)` : name, details]));
}
