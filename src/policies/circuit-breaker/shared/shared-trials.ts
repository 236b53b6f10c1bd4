import type { AdmissionContext, AdmittedCall } from '../circuit-state.js';
import type { TrialReply } from './circuit-store.js';
import { newGeneration } from './generation.js';
import type { StoreFailureMode } from '../../../options/index.js';
import type { TrialHost } from '../half-open/trial.js';
import type { TrialCircuit, TrialRequests } from './trial-requests.js';
import { SharedHalfOpenState, SharedOpenState, UnattendedState } from './shared-states.js';
import { SharedTrial, type TrialOwner } from './shared-trial.js';

/** The trials of a circuit that this instance has leases for, and how it gets them. */
export class SharedTrials implements TrialOwner {
  readonly graceMs: number;
  /** The store has said no, and nothing was heard since. */
  wasDenied = false;
  /** How many are asked for just now. */
  private asking = 0;
  private readonly running = new Set<SharedTrial>();

  constructor(
    private readonly shared: TrialCircuit,
    private readonly mode: () => StoreFailureMode,
    private readonly requests: TrialRequests,
  ) {
    this.graceMs = requests.commandTimeoutMs;
  }

  get circuit(): TrialHost {
    return this.shared.circuit;
  }

  /** Whether a call has to ask the store, and may: nobody gains where the answer is known to be no. */
  mustAsk(context: AdmissionContext): boolean {
    const { current, settings } = this.circuit;
    const isDue = current instanceof SharedHalfOpenState || (current instanceof SharedOpenState && current.nameAt(context) === 'half-open');
    return isDue && !this.wasDenied && this.asking + this.running.size < settings.halfOpenCalls;
  }

  /** Asks for a trial of a call whose pipeline gives it so long. */
  async ask(lease: string, longestLimitMs: number): Promise<TrialReply> {
    this.asking++;
    try {
      const leaseMs = this.circuit.trialTimeoutMs(longestLimitMs) + 2 * this.graceMs;
      return await this.requests.ask(this.shared, leaseMs, lease);
    } finally {
      this.asking--;
    }
  }

  /** The store has answered: the call is a trial, or not (undefined). */
  decide({ isGranted, record }: TrialReply, lease: string, context: AdmissionContext): SharedTrial | undefined {
    if (record !== undefined) this.shared.learn(record, context);
    this.wasDenied = !isGranted;
    if (!isGranted || record === undefined) return undefined;
    const trial = new SharedTrial(this, record.generation, lease, context);
    this.running.add(trial);
    return trial;
  }

  /** The store has not answered. Undefined: the state that the circuit is in decides. */
  unanswered(): AdmittedCall | undefined {
    if (this.shared.isAlone || this.mode() !== 'allow') return undefined;
    return new UnattendedState('half-open', true, this.circuit);
  }

  /** A trial of a call by hand, where one is due. */
  byHand(context: AdmissionContext): Promise<AdmittedCall | undefined> | undefined {
    return this.mustAsk(context) ? this.askByHand(context) : undefined;
  }

  /** Nobody wants the trial any more. */
  giveBack({ isGranted, record }: TrialReply, lease: string): void {
    if (isGranted && record !== undefined) this.requests.conclude(this.shared, { generation: record.generation, lease }, undefined);
  }

  /** The application ends. */
  giveAllBack(): void {
    for (const trial of this.running) trial.giveBack();
  }

  ended(trial: SharedTrial, passed: boolean | undefined): void {
    this.running.delete(trial);
    this.wasDenied = false;
    this.requests.conclude(this.shared, trial, passed);
  }

  private async askByHand(context: AdmissionContext): Promise<AdmittedCall | undefined> {
    const lease = newGeneration();
    try {
      return this.decide(await this.ask(lease, 0), lease, context);
    } catch (error) {
      this.requests.failed(error);
      return this.unanswered();
    }
  }
}
