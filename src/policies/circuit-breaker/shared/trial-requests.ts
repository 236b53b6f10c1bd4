import type { AdmissionContext } from '../circuit-state.js';
import type { TrialHost } from '../half-open/trial.js';
import type { CircuitRecord, CircuitStore, TrialReply } from './circuit-store.js';
import { newGeneration } from './generation.js';

/** A circuit that several instances share, as its trials need it. */
export interface TrialCircuit {
  readonly id: string;
  readonly circuit: TrialHost;
  /** The store cannot be asked. */
  readonly isAlone: boolean;
  /** What is known of the fleet, with its times as of now. */
  currentRecord(): CircuitRecord | undefined;
  /** How long the circuit is open, where it opens next. */
  nextOpenMs(): number;
  learn(record: CircuitRecord, context?: AdmissionContext): void;
}

/** A trial that the store has leased. */
interface LeasedTrial {
  readonly generation: string;
  readonly lease: string;
}

/** Where work goes that nobody waits for, and what comes of it. */
interface Background {
  background(work: Promise<unknown>): void;
  failed(error: unknown): void;
}

/** Asks the store for trials of circuits, and tells it at once how they ended. */
export class TrialRequests {
  constructor(
    private readonly store: CircuitStore,
    readonly commandTimeoutMs: number,
    private readonly work: Background,
  ) {}

  /** @param lease Undefined: the circuit is to be half-open, and nobody has a call for it. */
  async ask(circuit: TrialCircuit, leaseMs: number, lease: string | undefined): Promise<TrialReply> {
    const { halfOpenCalls, successThreshold } = circuit.circuit.settings;
    const ask = (): Promise<TrialReply> =>
      this.store.trial({ id: circuit.id, nextGeneration: newGeneration(), lease, leaseMs, halfOpenCalls, successThreshold });
    const reply = await ask();
    const known = circuit.currentRecord();
    if (reply.record !== undefined || known === undefined) return reply;
    await this.store.restore(circuit.id, known);
    return ask();
  }

  /** The open time of a circuit is over that is to be half-open without a call. */
  halfOpenWithoutCall(circuit: TrialCircuit): void {
    this.work.background(this.ask(circuit, 0, undefined).then(({ record }) => learn(circuit, record)));
  }

  /** @param passed Undefined: nothing was learned, and the lease goes back. */
  conclude(circuit: TrialCircuit, { generation, lease }: LeasedTrial, passed: boolean | undefined): void {
    const verdict = {
      id: circuit.id,
      generation,
      lease,
      passed,
      nextGeneration: newGeneration(),
      successThreshold: circuit.circuit.settings.successThreshold,
      openMs: passed === false ? circuit.nextOpenMs() : 0,
    };
    this.work.background(this.store.conclude(verdict).then((record) => learn(circuit, record)));
  }

  /** A question was not answered. */
  failed(error: unknown): void {
    this.work.failed(error);
  }
}

function learn(circuit: TrialCircuit, record: CircuitRecord | undefined): void {
  if (record !== undefined) circuit.learn(record);
}
