import type { TimeSource } from '../counting/windows.js';
import { MAX_CIRCUITS_A_QUESTION, type CircuitCountsBatch, type CircuitStore } from './circuit-store.js';
import { newGeneration } from './generation.js';
import type { SharedCircuit, TakenBatch } from './shared-circuit.js';
import { agesOf, type ClockOffset } from './counting/unmerged-counts.js';

/** Counts that wait for a store which is away, of circuits that are not there any more or have gone on. */
const MAX_KEPT = 1000;

/** How long the store keeps a closed circuit that nobody calls, at least. */
const MIN_IDLE_MS = 3_600_000;

/** Of `propagation`: how long a count window holds what was merged. */
const COUNTED_FOR = 5;

interface Merge {
  readonly sequence: number;
  readonly batches: readonly TakenBatch[];
}

/** Brings counts to the store, each once: a merge that may have arrived is sent again as it was, and the store knows it by its number. */
export class CountMerger {
  private kept: TakenBatch[] = [];
  /** Those without an answer. */
  private readonly merges: Merge[] = [];
  private sequence = 0;
  private isMerging = false;

  constructor(
    private readonly store: CircuitStore,
    private readonly time: TimeSource,
    private readonly propagationMs: number,
    private readonly clock: ClockOffset,
  ) {}

  /** Counts of a state that is over. */
  keep(batch: TakenBatch): void {
    if (this.kept.push(batch) > MAX_KEPT) this.kept.shift();
  }

  /**
   * Merges the counts of these circuits, `taken` of each where they are on their way. One merge goes after the other, and nothing new
   * before an old one has its answer: its counts wait where they are judged.
   * @returns the version of the group; undefined where there was nothing to merge.
   */
  async merge(circuits: Iterable<SharedCircuit>, taken: (circuit: SharedCircuit) => void): Promise<number | undefined> {
    if (this.isMerging) return undefined;
    if (this.merges.length === 0) this.takeAll(circuits, taken);
    let version: number | undefined;
    this.isMerging = true;
    try {
      for (let merge = this.merges[0]; merge !== undefined; merge = this.merges[0]) version = await this.send(merge);
    } finally {
      this.isMerging = false;
    }
    return version;
  }

  private takeAll(circuits: Iterable<SharedCircuit>, taken: (circuit: SharedCircuit) => void): void {
    const batches = this.kept;
    this.kept = [];
    const now = this.time.now();
    for (const circuit of circuits) {
      taken(circuit);
      const batch = circuit.take();
      if (batch === undefined) continue;
      circuit.mergedAt = now;
      batches.push(batch);
    }
    for (let start = 0; start < batches.length; start += MAX_CIRCUITS_A_QUESTION)
      this.merges.push({ sequence: ++this.sequence, batches: batches.slice(start, start + MAX_CIRCUITS_A_QUESTION) });
  }

  private async send(merge: Merge): Promise<number> {
    const sentAt = this.time.now();
    const reply = await this.store.merge(
      merge.sequence,
      merge.batches.map((batch) => this.forStore(batch, sentAt)),
    );
    this.merges.shift();
    this.clock.offsetMs = reply.now - this.time.now();
    for (const [index, batch] of merge.batches.entries()) batch.circuit.merged(batch, reply.circuits[index]!);
    return reply.version;
  }

  private forStore({ circuit, from, counts, generation, judgement }: TakenBatch, now: number): CircuitCountsBatch {
    const { window } = judgement;
    return {
      id: circuit.id,
      generation,
      state: from.name,
      nextGeneration: newGeneration(),
      judgement,
      openMs: circuit.nextOpenMs(),
      idleMs: Math.max(MIN_IDLE_MS, window.type === 'time' ? 2 * window.durationMs : 0),
      countedForMs: this.propagationMs * COUNTED_FOR,
      runs: agesOf(counts.runs, now),
      failureRuns: counts.failureRuns,
    };
  }
}
