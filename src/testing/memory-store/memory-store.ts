import { wallTimeOf } from '../../engine/clock.js';
import type { ResilienceStore, SharedSettings, SharedStore } from '../../policies/shared-store.js';
import { MemoryCircuits } from './memory-circuits.js';

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
  let circuits: MemoryCircuits | undefined;
  return {
    open(environment) {
      circuits ??= new MemoryCircuits(() => wallTimeOf(environment.clock));
      return viewOf({ ...SETTINGS, group, instance: `${group}-${++opened}` }, { circuits: circuits.open() });
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

/** What one application sees of it. */
function viewOf(settings: SharedSettings, ports: Pick<SharedStore, 'circuits'>): SharedStore {
  const beforeStop = new Set<() => PromiseLike<unknown>>();
  return {
    settings,
    availability: { isAvailable: true, listen: () => () => undefined },
    limits: undefined as never,
    ...ports,
    permits: undefined as never,
    start: () => Promise.resolve(),
    beforeStop(giveBack) {
      beforeStop.add(giveBack);
      return () => beforeStop.delete(giveBack);
    },
    async stop() {
      for (const giveBack of beforeStop) await giveBack();
    },
  };
}
