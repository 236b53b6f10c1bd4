import { wallTimeOf } from '../../engine/clock.js';
import type { Environment } from '../../engine/environment.js';
import { LastTasks } from '../../engine/waiting/last-tasks.js';
import type { ResilienceStore, SharedSettings, SharedStore } from '../../policies/shared-store.js';
import { MemoryCircuits } from './memory-circuits.js';
import { MemoryFleet } from './memory-fleet.js';
import { MemoryLimits } from './memory-limits.js';
import { MemoryPermits } from './memory-permits.js';

/** What `memoryStore` may be told. */
export interface MemoryStoreOptions {
  /** @default 'test' */
  readonly group?: string;
}

/**
 * A store in this process: what is given the same one shares its state, as instances with one Redis do. For tests:
 * `const store = memoryStore(); const a = createResilience({ store }); const b = createResilience({ store })`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): ResilienceStore {
  const { group = 'test' } = options;
  let opened = 0;
  const shared = { permits: new MemoryPermits(), limits: new MemoryLimits(), fleet: new MemoryFleet() };
  let circuits: MemoryCircuits | undefined;
  return {
    open(environment) {
      circuits ??= new MemoryCircuits(() => wallTimeOf(environment.clock));
      return viewOf(environment, { ...SETTINGS, group, instance: `${group}-${++opened}` }, { ...shared, circuits });
    },
  };
}

const SETTINGS = {
  onStoreFailure: 'local',
  commandTimeoutMs: 100,
  propagationMs: 100,
  leaseMs: 10_000,
  expectedInstances: 1,
} as const satisfies Partial<SharedSettings>;

/** What all applications with one store share. */
interface State {
  readonly limits: MemoryLimits;
  readonly permits: MemoryPermits;
  readonly circuits: MemoryCircuits;
  readonly fleet: MemoryFleet;
}

/** What one application sees of it. */
function viewOf(environment: Environment, settings: SharedSettings, state: State): SharedStore {
  const lastTasks = new LastTasks(environment, 'what is given back to the store');
  return {
    settings,
    availability: { isAvailable: true, isDegraded: false, listen: () => () => undefined },
    requests: { counts: new Map(), durations: undefined },
    limits: state.limits.for(() => environment.clock.now()),
    circuits: state.circuits.open(),
    permits: state.permits.for(settings, () => environment.clock.now()),
    fleet: state.fleet.for(() => environment.clock.now()),
    start: () => Promise.resolve(),
    beforeStop: (giveBack) => lastTasks.add(giveBack),
    stop: () => lastTasks.run(2 * settings.commandTimeoutMs),
  };
}
