import type { Call } from '../../../src/engine/call/call.js';
import type { PolicyKind } from '../../../src/engine/contract/kind.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import type { Environment } from '../../../src/engine/environment.js';
import { remoteDecision } from '../../../src/engine/waiting/remote-decision.js';
import type { Waiter } from '../../../src/engine/waiting/waiter.js';
import { toy } from './bench.js';

/** Permits that several processes share. */
export interface PermitStore {
  take(): Promise<boolean>;
  giveBack(): Promise<void>;
}

interface StoreLimitOptions {
  readonly store: PermitStore;
  readonly timeoutMs: number;
  readonly failOpen: boolean;
}

/** A permit of a store for each attempt, given back at its end. */
class StoreLimitStrategy implements Strategy {
  readonly kind = 'storeLimit';
  readonly name = 'store';
  /** The slot says whether the attempt has a permit: one that passed because the store was silent has none. */
  readonly remembers = true;

  constructor(
    private readonly options: StoreLimitOptions,
    private readonly environment: Environment,
  ) {}

  readonly admit = (call: Call, layer: number): Waiter => {
    const { store, timeoutMs, failOpen } = this.options;
    call.slots[layer] = false;
    return remoteDecision<boolean>(
      {
        label: 'store of permits',
        operationId: call.operationId,
        now: call.now(),
        timeoutMs,
        ask: () => store.take(),
        decide: (granted) => {
          call.slots[layer] = granted;
          return granted ? undefined : new Error('no permit');
        },
        unanswered: () => (failOpen ? undefined : new Error('the store is silent')),
        tooLate: (granted) => (granted ? store.giveBack() : undefined),
      },
      this.environment,
    );
  };

  readonly succeeded = (call: Call, layer: number): undefined => this.giveBack(call, layer);
  readonly failed = (call: Call, layer: number): undefined => this.giveBack(call, layer);

  abandoned(call: Call, layer: number): undefined {
    this.giveBack(call, layer);
  }

  private giveBack(call: Call, layer: number): undefined {
    if (call.slots[layer] === true) this.environment.background(this.options.store.giveBack(), 'store of permits');
  }
}

export const storeLimitKind: PolicyKind = {
  ...toy,
  kind: 'storeLimit',
  build: (options, { environment }) => [{ strategy: new StoreLimitStrategy(options as unknown as StoreLimitOptions, environment) }],
};
