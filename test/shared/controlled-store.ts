import type { Environment } from '../../src/engine/environment.js';
import type { LimitStore, PermitAsk } from '../../src/policies/rate-limit/shared/limit-store.js';
import type { ResilienceStore, SharedSettings, SharedStore } from '../../src/policies/shared-store.js';
import { memoryStore } from '../../src/testing/memory-store/memory-store.js';

/** A store that a test can make slow, silent, failing or known to be away; what is counted behind it goes on. */
export class ControlledStore implements ResilienceStore {
  /** What it was asked for, call by call. */
  readonly taken: (readonly PermitAsk[])[] = [];
  /** Permits that came back. */
  givenBack = 0;
  delayMs = 0;
  mode: 'answers' | 'fails' | 'throws' = 'answers';
  instances: number | undefined;
  private isAvailable = true;
  private readonly listeners = new Set<(isAvailable: boolean) => void>();
  private readonly memory = memoryStore();

  constructor(private readonly settings: Partial<SharedSettings> = {}) {}

  /** Known to be away, or back. */
  set available(isAvailable: boolean) {
    this.isAvailable = isAvailable;
    for (const listener of this.listeners) listener(isAvailable);
  }

  open(environment: Environment): SharedStore {
    const opened = this.memory.open(environment);
    const isAvailable = (): boolean => this.isAvailable;
    const instances = (): number | undefined => this.instances;
    return {
      ...opened,
      settings: { ...opened.settings, ...this.settings },
      limits: this.limits(opened.limits, environment),
      availability: {
        get isAvailable() {
          return isAvailable();
        },
        isDegraded: false,
        listen: (listener) => {
          this.listeners.add(listener);
          return () => this.listeners.delete(listener);
        },
      },
      fleet: {
        beat: () => new Promise(() => undefined), // no heart of its own beats on the test's clock
        tell: (target, text) => opened.fleet.tell(target, text),
        leave: (instance) => opened.fleet.leave(instance),
        onCommand: (listener) => opened.fleet.onCommand(listener),
        get reporting() {
          return instances();
        },
      },
    };
  }

  private limits(limits: LimitStore, { clock }: Environment): LimitStore {
    const later = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
      if (this.delayMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, this.delayMs));
      return answer;
    };
    return {
      take: (limit, asks, patience) => {
        this.taken.push(asks);
        if (this.mode === 'throws') throw new Error('no store');
        if (this.mode === 'fails') return later(Promise.resolve()).then(() => Promise.reject(new Error('no store')));
        return later(limits.take(limit, asks, patience));
      },
      giveBack: (limit, permits) => {
        this.givenBack += permits.reduce((sum, { cost }) => sum + cost, 0);
        return later(limits.giveBack(limit, permits));
      },
      charge: (limit, permits) => limits.charge(limit, permits),
    };
  }
}
