import type {
  CircuitChanges,
  CircuitCommand,
  CircuitCountsBatch,
  CircuitRecord,
  CircuitStore,
  MergeReply,
  TrialReply,
  TrialRequest,
  TrialVerdict,
} from '../../policies/circuit-breaker/shared/circuit-store.js';
import { MemoryCircuit, type Transitions } from './memory-circuit.js';

/** Who hears of transitions. */
type Listener = (id: string, record: CircuitRecord) => void;

/** Circuits of a fleet in one process. What is asked is answered in a later turn, as a store elsewhere does. */
export class MemoryCircuits implements Transitions {
  private readonly circuits = new Map<string, MemoryCircuit>();
  private readonly listeners = new Set<Listener>();
  private version = 0;

  /** @param now The store's clock, in milliseconds. */
  constructor(readonly now: () => number) {}

  changed(circuit: MemoryCircuit): number {
    this.version = Math.max(this.version + 1, Math.floor(this.now()));
    circuit.version = this.version;
    for (const listener of this.listeners) listener(circuit.id, circuit.record);
    return this.version;
  }

  /** What one instance sees of it. */
  open(): CircuitStore {
    let lastMerge = 0;
    return {
      idOf: (breaker, key) => JSON.stringify([breaker, key]),
      merge: async (sequence, batches) => {
        await Promise.resolve();
        const isNew = sequence !== lastMerge;
        lastMerge = sequence;
        return this.merge(batches, isNew);
      },
      trial: async (request) => this.trial(await later(request)),
      conclude: async (verdict) => this.conclude(await later(verdict)),
      command: async (command) => this.command(await later(command)),
      restore: async (id, record) => this.restore(await later(id), record),
      read: async (ids) => (await later(ids)).map((id) => this.circuits.get(id)?.record),
      changes: async (since) => this.changes(await later(since)),
      listen: (listener) => {
        const told: Listener = (id, record) => queueMicrotask(() => listener(id, record));
        this.listeners.add(told);
        return () => this.listeners.delete(told);
      },
    };
  }

  /** As a server that was restarted without its data. */
  clear(): void {
    this.circuits.clear();
    this.version = 0;
  }

  private merge(batches: readonly CircuitCountsBatch[], isNew: boolean): MergeReply {
    const circuits = batches.map((batch) => {
      const generation = batch.generation === '' ? batch.nextGeneration : batch.generation;
      return this.known(batch.id, generation, batch.state).merge(batch, isNew);
    });
    return { version: this.version, now: this.now(), circuits };
  }

  private trial({ id, nextGeneration, lease, leaseMs, halfOpenCalls, successThreshold }: TrialRequest): TrialReply {
    const circuit = this.circuits.get(id);
    const isGranted = circuit?.lease(nextGeneration, lease, leaseMs, halfOpenCalls, successThreshold) ?? false;
    return { isGranted, record: circuit?.record };
  }

  private conclude({ id, generation, lease, passed, nextGeneration, successThreshold, openMs }: TrialVerdict): CircuitRecord | undefined {
    const circuit = this.circuits.get(id);
    circuit?.conclude(generation, lease, passed, nextGeneration, successThreshold, openMs);
    return circuit?.record;
  }

  private command({ id, state, nextGeneration }: CircuitCommand): CircuitRecord {
    const circuit = this.known(id, '', 'closed');
    circuit.transit(nextGeneration, state);
    return circuit.record;
  }

  private restore(id: string, record: CircuitRecord): CircuitRecord {
    const known = this.circuits.get(id);
    if (known !== undefined && (record.previous === '' || known.record.generation !== record.previous)) return known.record;
    const circuit = this.known(id, '', 'closed');
    circuit.restore(record);
    return circuit.record;
  }

  private changes(since: number): CircuitChanges {
    const { version } = this;
    if (version < since) return { version, changed: undefined };
    const changed = [...this.circuits].filter(([, circuit]) => circuit.version > since);
    return { version, changed: new Map(changed.map(([id, circuit]) => [id, circuit.version])) };
  }

  private known(id: string, generation: string, state: 'closed' | 'metrics-only'): MemoryCircuit {
    let circuit = this.circuits.get(id);
    if (circuit === undefined) this.circuits.set(id, (circuit = new MemoryCircuit(id, this, generation, state)));
    return circuit;
  }
}

/** The same in another turn. */
async function later<Value>(value: Value): Promise<Value> {
  await Promise.resolve();
  return value;
}
