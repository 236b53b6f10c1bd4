import { MemoryFleet } from '../../src/testing/memory-store/memory-fleet.js';
import { createClient } from './redis-port.js';
import { wallTimeOf } from '../../src/engine/clock.js';
import type { Policy, ResilienceEvent } from '../../src/core.js';
import { ResilienceError } from '../../src/core.js';
import type { CircuitStore, TrialReply, TrialRequest, TrialVerdict } from '../../src/policies/circuit-breaker/shared/circuit-store.js';
import type { ResilienceStore, SharedSettings, SharedStore } from '../../src/policies/shared-store.js';
import { FakeClock } from '../../src/testing/index.js';
import { MemoryCircuits } from '../../src/testing/memory-store/memory-circuits.js';
import { Lab, type Ending } from '../support/lab.js';
import { NaiveCircuits } from './naive-circuits.js';

class StoreAway extends ResilienceError {}

/** Each kind of store: gives the port of one instance, by the clock of the test. */
export interface CircuitBackend {
  open(instance: string): CircuitStore;
  /** Forgets everything, as a server restarted without its data does. */
  clear(): Promise<void> | void;
}

export type BackendFactory = (clock: FakeClock) => CircuitBackend;

export const BACKENDS: Readonly<Record<'memory' | 'naive' | 'redis', BackendFactory>> = {
  memory: (clock) => new MemoryCircuits(() => wallTimeOf(clock)),
  naive: (clock) => new NaiveCircuits(() => wallTimeOf(clock)),
  redis: (clock) => createClient(() => wallTimeOf(clock)),
};

/** What happens to commands on their way, for one instance. */
export interface Wire {
  isCut: boolean;
  isDeaf: boolean;
  /** Commands are done, and nobody hears of it. */
  losesAnswers: boolean;
  /** Commands are answered only after this. */
  delay: Promise<void> | undefined;
  /** Commands by name. */
  readonly sent: string[];
}

/** Several applications of one process on one store and one clock that stands still. */
export class CircuitFleet {
  readonly clock = new FakeClock();
  readonly backend: CircuitBackend;
  readonly labs: Lab[] = [];
  readonly wires: Wire[] = [];
  private readonly stores: SharedStore[] = [];
  /** Every lease of a trial that the store has given: in which half-open period, and what came of it. */
  readonly leases = new Map<string, { readonly generation: string; passed: boolean | 'given back' | undefined }>();
  private pending = 0;

  constructor(
    factory: BackendFactory,
    private readonly settings: Partial<SharedSettings> = {},
  ) {
    this.backend = factory(this.clock);
  }

  /** Starts an application. */
  start(clock = this.clock): Lab {
    const wire: Wire = { isCut: false, isDeaf: false, losesAnswers: false, delay: undefined, sent: [] };
    const index = this.labs.length;
    const store: ResilienceStore = { open: () => (this.stores[index] = this.storeOf(`instance-${index}`, wire)) };
    const lab = new Lab({ store }, clock);
    this.labs.push(lab);
    this.wires.push(wire);
    return lab;
  }

  /** Cuts an instance off, or lets it come back, and tells it. */
  async cut(index: number, isCut: boolean): Promise<void> {
    this.wires[index]!.isCut = isCut;
    this.availability[index]!(!isCut);
    await this.settle();
  }

  async stop(index: number): Promise<void> {
    const lab = this.labs[index]!;
    await lab.resilience.drain();
    await this.stores[index]!.stop();
  }

  async end(): Promise<void> {
    for (let index = 0; index < this.labs.length; index++) await this.stop(index);
    await this.backend.clear();
  }

  /** Lets every command be answered, and what follows from it. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      await this.clock.settle();
      while (this.pending > 0) {
        quiet = 0;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Lets time pass, with all that is due on the way. */
  async advance(ms: number): Promise<void> {
    const target = this.clock.now() + ms;
    await this.settle();
    for (;;) {
      const next = this.clock.nextTimerAt;
      if (next === undefined || next > target) break;
      await this.clock.advance(Math.max(0, next - this.clock.now()));
      await this.settle();
    }
    await this.clock.advance(target - this.clock.now());
    await this.settle();
  }

  /** A call of an instance, and everything that follows from it at once. */
  async call(index: number, policy: Policy, script: string, options: { name?: string; args?: readonly unknown[] } = {}): Promise<Ending> {
    const ending = this.labs[index]!.call(policy, script, options);
    await this.settle();
    return ending;
  }

  states(name: string, key?: string): string[] {
    return this.labs.map(({ resilience }) => {
      const breaker = resilience.circuitBreaker(name);
      return key === undefined ? breaker.state : breaker.stateOf(key);
    });
  }

  told(index: number): string[] {
    return this.labs[index]!.events.map((event: ResilienceEvent) => event.type).filter((type) => type.startsWith('circuit'));
  }

  private granted({ lease }: TrialRequest, { isGranted, record }: TrialReply): void {
    if (isGranted) this.leases.set(lease!, { generation: record!.generation, passed: undefined });
  }

  private concluded({ lease, passed }: TrialVerdict): void {
    const one = this.leases.get(lease);
    if (one !== undefined) one.passed = passed ?? 'given back';
  }

  private readonly availability: ((isAvailable: boolean) => void)[] = [];

  private storeOf(instance: string, wire: Wire): SharedStore {
    const port = this.backend.open(instance);
    const index = this.availability.length;
    const listeners = new Set<(isAvailable: boolean) => void>();
    const giveBacks = new Set<() => PromiseLike<unknown>>();
    const state = { isAvailable: true };
    this.availability[index] = (isAvailable) => {
      state.isAvailable = isAvailable;
      for (const listener of listeners) listener(isAvailable);
    };
    const carry = (name: string, work: () => Promise<unknown>): Promise<unknown> => {
      wire.sent.push(name);
      if (wire.isCut) return Promise.reject(new StoreAway('the store is away', {}));
      const sent = async (): Promise<unknown> => {
        this.pending++;
        try {
          const answer = await work();
          if (wire.losesAnswers) throw new StoreAway('no answer', {});
          return answer;
        } finally {
          this.pending--;
        }
      };
      return wire.delay === undefined ? sent() : wire.delay.then(sent);
    };
    const circuits = new Proxy(port, {
      get: (target, name: keyof CircuitStore) => {
        if (name === 'idOf') return target.idOf;
        if (name === 'listen')
          return (listener: Parameters<CircuitStore['listen']>[0]) => target.listen((id, record) => wire.isDeaf || listener(id, record));
        return (...args: unknown[]) =>
          carry(name, async () => {
            if (name === 'conclude') this.concluded(args[0] as TrialVerdict);
            const answer = await (target[name] as (...given: unknown[]) => Promise<unknown>).apply(target, args);
            if (name === 'trial') this.granted(args[0] as TrialRequest, answer as TrialReply);
            return answer;
          });
      },
    });
    return {
      settings: {
        group: 'test',
        instance,
        onStoreFailure: 'local',
        commandTimeoutMs: 100,
        propagationMs: 100,
        leaseMs: 10_000,
        expectedInstances: 1,
        ...this.settings,
      },
      fleet: new MemoryFleet().for(() => this.clock.now()),
      availability: {
        get isAvailable() {
          return state.isAvailable;
        },
        get isDegraded() {
          return !state.isAvailable;
        },
        listen(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      requests: { counts: new Map(), durations: undefined },
      limits: undefined as never,
      circuits,
      permits: undefined as never,
      start: () => Promise.resolve(),
      beforeStop(giveBack) {
        giveBacks.add(giveBack);
        return () => giveBacks.delete(giveBack);
      },
      async stop() {
        for (const giveBack of giveBacks) await giveBack();
      },
    };
  }
}
