import type { Environment } from '../../src/engine/environment.js';
import type { ResilienceStore, SharedStore } from '../../src/policies/shared-store.js';

/** A store that can be cut off, and counts what passes. */
export interface Hurt extends ResilienceStore {
  fault: 'none' | 'refused';
  /** How many heartbeats said how the instance is. */
  snapshots: number;
  opened: SharedStore | undefined;
}

export function hurt(store: ResilienceStore): Hurt {
  const hurtStore: Hurt = {
    fault: 'none',
    snapshots: 0,
    opened: undefined,
    open(environment: Environment) {
      const inner = store.open(environment);
      const guard = <Answer>(ask: () => Promise<Answer>): Promise<Answer> =>
        hurtStore.fault === 'refused' ? Promise.reject(new Error('no connection')) : ask();
      const { fleet, permits } = inner;
      hurtStore.opened = inner;
      return {
        ...inner,
        permits: { exchange: (claims) => guard(() => permits.exchange(claims)), onFreed: (listener) => permits.onFreed(listener) },
        fleet: {
          beat: (beat) => {
            if (beat.snapshot !== undefined) hurtStore.snapshots++;
            return guard(() => fleet.beat(beat));
          },
          tell: (target, text) => guard(() => fleet.tell(target, text)),
          leave: (instance) => guard(() => fleet.leave(instance)),
          onCommand: (listener) => fleet.onCommand(() => hurtStore.fault === 'none' && listener()),
          get reporting() {
            return fleet.reporting;
          },
        },
      };
    },
  };
  return hurtStore;
}
