import type { Environment } from '../../../engine/environment.js';
import { ResilienceConfigError } from '../../../engine/error.js';
import { describeDuration, type StoreFailureMode } from '../../../options/index.js';
import { requiredStore } from '../../shared-store.js';
import type { Circuit } from '../circuit.js';
import type { WindowSettings } from '../circuit-breaker.policy.js';
import { CircuitGroup } from './circuit-group.js';
import { SharedCircuit } from './shared-circuit.js';

/** A shorter window has changed before all instances have told what they saw in it. */
const SHORTEST_WINDOW = 10;

/** Joins the circuits of one breaker to those of the fleet. */
export type JoinFleet = (circuit: Circuit, mode: () => StoreFailureMode | undefined) => void;

/**
 * How the circuits of a shared breaker are joined.
 * @throws ResilienceConfigError where there is no store.
 */
export function sharingOf(environment: Environment, breaker: string): JoinFleet {
  const store = requiredStore(environment, `circuit breaker "${breaker}"`);
  const group = CircuitGroup.of(environment, store);
  return (circuit, mode) => {
    const id = store.circuits.idOf(breaker, circuit.key);
    const shared = new SharedCircuit(id, circuit, group, () => mode() ?? store.settings.onStoreFailure);
    circuit.join(shared);
    group.join(shared);
  };
}

/**
 * Counts of the fleet come together in `propagation`, so a window has to be much longer.
 * @throws ResilienceConfigError
 */
export function checkSharedWindow(environment: Environment, breaker: string, window: WindowSettings): void {
  const { propagationMs } = requiredStore(environment, `circuit breaker "${breaker}"`).settings;
  const shortest = SHORTEST_WINDOW * propagationMs;
  if (window.type === 'count' || window.durationMs >= shortest) return;
  throw new ResilienceConfigError([
    `circuit breaker "${breaker}": a shared window must last at least ${describeDuration(shortest)} (${SHORTEST_WINDOW} times the propagation ` +
      `of the store), got ${describeDuration(window.durationMs)}: instances would not have told of their calls before those have left it`,
  ]);
}
