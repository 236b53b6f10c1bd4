import { ResilienceConfigError, type HealthStatus, type InstanceHealth } from '../../core.js';
import type { ResilienceService } from '../../nest/index.js';
import { choice, Problems, readSettings } from '../../options/index.js';
import { sharedStoreOf } from '../../policies/shared-store.js';

/** How the store of shared state is told. */
export interface StoreHealthOptions {
  /**
   * What a store means that cannot be asked. Shared policies go on without it, and it is away for every instance alike: readiness
   * that fails for it takes all of them out of service.
   * @default 'degraded'
   */
  readonly unavailableIs?: HealthStatus;
}

const rules = { unavailableIs: choice(['up', 'degraded', 'down'], { default: 'degraded' }) };

/** The store of shared state; nothing where no state is shared. @throws ResilienceConfigError with every mistake. */
export function storeHealth(resilience: ResilienceService, options: StoreHealthOptions): readonly InstanceHealth[] {
  const problems = new Problems();
  const { unavailableIs } = problems.at('ResilienceHealthIndicator.store:', (found) =>
    readSettings<Required<StoreHealthOptions>>(rules, options, found),
  );
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  const store = sharedStoreOf(resilience.environment);
  if (store === undefined) return [];
  const { isAvailable } = store.availability;
  const { group: name, instance, onStoreFailure } = store.settings;
  const details = { state: isAvailable ? 'available' : 'unavailable', instance, onStoreFailure };
  return [{ kind: 'store', group: 'store', name, status: isAvailable ? 'up' : unavailableIs, details }];
}
