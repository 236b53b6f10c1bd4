import { Inject, Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type {
  BulkheadHealthOptions,
  CircuitBreakerHealthOptions,
  HealthStatus,
  InstanceHealth,
  RateLimiterHealthOptions,
} from '../../core.js';
import { ResilienceService } from '../../nest/index.js';
import { storeHealth, type StoreHealthOptions } from './store-health.js';

const SEVERITY: Record<HealthStatus, number> = { up: 0, degraded: 1, down: 2 };

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
    return this.tell(key, this.find('circuitBreakers', 'circuitBreaker', options));
  }

  /** The bulkheads, each with places in use and who waits. */
  bulkheads<Key extends string>(key: Key, options: BulkheadHealthOptions = {}): HealthIndicatorResult<Key> {
    return this.tell(key, this.find('bulkheads', 'bulkhead', options));
  }

  /** The rate limiters, each with what is left. */
  rateLimiters<Key extends string>(key: Key, options: RateLimiterHealthOptions = {}): HealthIndicatorResult<Key> {
    return this.tell(key, this.find('rateLimiters', 'rateLimit', options));
  }

  /** The instances of any other kind that says how well they are, e.g. one of your own. */
  kind<Key extends string>(key: Key, kind: string, options: object = {}): HealthIndicatorResult<Key> {
    return this.tell(key, this.find('kind', kind, options));
  }

  /** The store of shared state: whether it can be asked. Without shared state it is up. */
  store<Key extends string>(key: Key, options: StoreHealthOptions = {}): HealthIndicatorResult<Key> {
    return this.tell(key, storeHealth(this.resilience, options));
  }

  /** All of it together. */
  isHealthy<Key extends string>(key: Key): HealthIndicatorResult<Key> {
    const found = [...this.find('isHealthy', undefined, {}), ...storeHealth(this.resilience, {})];
    const groups: Record<string, InstanceHealth[]> = {};
    for (const one of found) (groups[one.group] ??= []).push(one);
    return this.compose(key, worstOf(found), Object.fromEntries(Object.entries(groups).map(([group, all]) => [group, detailsOf(all)])));
  }

  private find(method: string, kind: string | undefined, options: object): readonly InstanceHealth[] {
    return this.resilience.controls.health(kind, options, `ResilienceHealthIndicator.${method}`);
  }

  private tell<Key extends string>(key: Key, found: readonly InstanceHealth[]): HealthIndicatorResult<Key> {
    return this.compose(key, worstOf(found), detailsOf(found));
  }

  private compose<Key extends string>(key: Key, status: HealthStatus, details: Record<string, unknown>): HealthIndicatorResult<Key> {
    const session = this.health.check(key);
    if (status === 'down') return session.down(details);
    // Terminus 11 drops a status that it does not know.
    if (status === 'degraded' && 'degraded' in session) return session.degraded(details);
    return session.up(details);
  }
}

/** Nothing at all is up. */
function worstOf(found: readonly InstanceHealth[]): HealthStatus {
  return found.reduce<HealthStatus>((worst, { status }) => (SEVERITY[status] > SEVERITY[worst] ? status : worst), 'up');
}

/** By name; Terminus keeps `status` for itself. */
function detailsOf(found: readonly InstanceHealth[]): Record<string, unknown> {
  return Object.fromEntries(found.map(({ name, details }) => [name === 'status' ? `${name} (name)` : name, details]));
}
