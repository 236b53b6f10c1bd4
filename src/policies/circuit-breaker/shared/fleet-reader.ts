import type { TimeSource } from '../counting/windows.js';
import { MAX_CIRCUITS_A_QUESTION, type CircuitRecord, type CircuitStore } from './circuit-store.js';
import type { SharedCircuit } from './shared-circuit.js';

/** Reads what the fleet knows, where this instance did not hear of it. */
export class FleetReader {
  /** Up to which change everything is known. */
  version = 0;
  /** Those whose state was not asked for yet. */
  readonly unread = new Set<SharedCircuit>();
  lastReadAt = Number.NEGATIVE_INFINITY;
  private isPolling = false;

  constructor(
    private readonly store: CircuitStore,
    private readonly time: TimeSource,
  ) {}

  /** Asks which circuits have changed, for who did not hear of it. */
  async poll(all: Iterable<SharedCircuit>): Promise<void> {
    if (this.isPolling) return;
    this.isPolling = true;
    try {
      const { version, changed } = await this.store.changes(this.version);
      const circuits = [...all];
      await this.read(
        changed === undefined ? circuits : circuits.filter(({ id, record }) => (changed.get(id) ?? 0) > (record?.version ?? 0)),
      );
      this.version = version;
    } finally {
      this.isPolling = false;
    }
  }

  async readUnread(): Promise<void> {
    if (this.unread.size === 0) return;
    const circuits = [...this.unread];
    this.unread.clear();
    this.lastReadAt = this.time.now();
    try {
      await this.read(circuits);
    } catch (error) {
      for (const circuit of circuits) if (!circuit.isGone) this.unread.add(circuit);
      throw error;
    }
  }

  async read(circuits: readonly SharedCircuit[]): Promise<void> {
    for (let start = 0; start < circuits.length; start += MAX_CIRCUITS_A_QUESTION) {
      const some = circuits.slice(start, start + MAX_CIRCUITS_A_QUESTION);
      const records = await this.store.read(some.map(({ id }) => id));
      await Promise.all(some.map((circuit, index) => this.compare(circuit, records[index])));
    }
  }

  /** What the store has, beside what is known here: what it has lost is written back, everything else holds. */
  private async compare(circuit: SharedCircuit, record: CircuitRecord | undefined): Promise<void> {
    const known = circuit.currentRecord();
    if (known === undefined || circuit.outbox !== undefined || (record !== undefined && record.version >= known.version)) {
      if (record !== undefined) circuit.learn(record);
    } else if (record === undefined && known.state === 'closed') {
      return; // the next counts make it anew
    } else if (record?.generation !== known.generation) {
      circuit.learn(await this.store.restore(circuit.id, known), undefined, true);
    }
  }
}
