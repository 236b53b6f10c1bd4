import { policies, type BulkheadOptions, type Resilience } from '../../../src/core.js';
import type { PermitClaim, PermitGrant, PermitStore } from '../../../src/policies/bulkhead/shared/permit-store.js';
import type { SharedStore } from '../../../src/policies/shared-store.js';
import { FakeClock } from '../../../src/testing/index.js';
import { MemoryPermits } from '../../../src/testing/memory-store/memory-permits.js';
import { Lab, type Ending } from '../../support/lab.js';
import { LEASE_MS, PROPAGATION_MS } from './stores.js';

/** What may happen to one question on its way to the store. */
export type Fault = 'none' | 'refused' | 'lost answer' | 'no news';

/** One application whose store can be hurt. */
export class Instance {
  readonly lab: Lab;
  fault: Fault = 'none';
  /** How long an answer is on its way. */
  delayMs = 0;
  questions = 0;
  private readonly beforeStop = new Set<() => PromiseLike<unknown>>();

  constructor(clock: FakeClock, inner: PermitStore, expectedInstances: number) {
    this.lab = new Lab({ clock });
    Object.assign(this.lab, { clock });
    const settings = {
      group: 'g',
      instance: 'i',
      onStoreFailure: 'local',
      commandTimeoutMs: 100,
      propagationMs: PROPAGATION_MS,
      leaseMs: LEASE_MS,
      expectedInstances,
    };
    const permits: PermitStore = {
      exchange: (claims) => this.ask(clock, inner, claims),
      onFreed: (listener) => inner.onFreed((holder) => this.fault !== 'no news' && listener(holder)),
    };
    const store = {
      settings,
      permits,
      fleet: { reporting: undefined },
      beforeStop: (giveBack: () => PromiseLike<unknown>) => this.beforeStop.add(giveBack),
    };
    this.lab.resilience.environment.store = store as unknown as SharedStore;
  }

  get resilience(): Resilience {
    return this.lab.resilience;
  }

  call(options: BulkheadOptions, script: string, more: { signal?: AbortSignal; args?: readonly unknown[]; name?: string } = {}): Ending {
    return this.lab.call(policies.bulkhead({ name: 'b', shared: true, ...options }), script, more);
  }

  async stop(): Promise<void> {
    for (const giveBack of this.beforeStop) await giveBack();
  }

  private async ask(clock: FakeClock, inner: PermitStore, claims: readonly PermitClaim[]): Promise<readonly PermitGrant[]> {
    this.questions++;
    if (this.fault === 'refused') throw new Error('no connection');
    const lost = this.fault === 'lost answer';
    const answer = await inner.exchange(claims);
    if (this.delayMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, this.delayMs));
    if (lost) throw new Error('no answer');
    return answer;
  }
}

/** Several instances on one clock and one store. */
export class Fleet {
  readonly clock = new FakeClock();
  readonly instances: readonly Instance[];
  private memory = new MemoryPermits();
  private readonly listeners: ((holder: string) => void)[] = [];

  constructor(size: number) {
    const store: PermitStore = {
      exchange: (claims) => this.permits.exchange(claims),
      onFreed: (listener) => {
        this.listeners.push(listener);
        return this.permits.onFreed(listener);
      },
    };
    this.instances = Array.from({ length: size }, () => new Instance(this.clock, store, size));
  }

  /** The store comes back with nothing. */
  loseData(): void {
    this.memory = new MemoryPermits();
    for (const listener of this.listeners) this.permits.onFreed(listener);
  }

  /** What the store counts. */
  async inUse(): Promise<number> {
    const nothing = { name: 'b', key: undefined, limit: 1, held: 0, wanted: 0, staying: 0 };
    const [answer] = await this.permits.exchange([{ ...nothing, holder: 'observer', sequence: 1 }]);
    return answer!.inUse;
  }

  private get permits(): PermitStore {
    return this.memory.for({ leaseMs: LEASE_MS, propagationMs: PROPAGATION_MS }, () => this.clock.now());
  }
}
