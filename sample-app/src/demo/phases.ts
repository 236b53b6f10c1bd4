import type { Mode, Side } from '../upstream/mode.js';
import type { Sample } from './traffic.js';

/** One part of the demo: what the provider does, and for how long. */
export interface Phase {
  readonly name: string;
  readonly mode: Mode | 'killed';
  readonly seconds: number;
  /** The provider is well again: how long until customers notice is measured. */
  readonly isRecovery?: boolean;
}

export const PHASES: readonly Phase[] = [
  { name: 'healthy', mode: 'healthy', seconds: 4 },
  { name: 'slow', mode: 'slow', seconds: 5 },
  { name: 'well again', mode: 'healthy', seconds: 3, isRecovery: true },
  { name: 'failing 50 %', mode: 'failing', seconds: 5 },
  { name: 'refusing 429', mode: 'refusing', seconds: 4 },
  { name: 'hanging', mode: 'hanging', seconds: 6 },
  { name: 'killed', mode: 'killed', seconds: 5 },
  { name: 'restarted', mode: 'healthy', seconds: 7, isRecovery: true },
];

/** What came of one phase on one side. */
export class PhaseResult {
  readonly samples: Sample[] = [];
  callsToProvider = 0;

  constructor(
    readonly phase: Phase,
    readonly side: Side,
    /** When the provider began to behave so, by the clock of the samples. */
    readonly beganAt: number,
  ) {}

  /** Orders that were paid at once. */
  get paid(): number {
    return this.count(201);
  }

  /** Orders that the shop has taken, to charge them later. */
  get queued(): number {
    return this.count(202);
  }

  /** Orders that were neither paid nor queued. */
  get lost(): number {
    return this.samples.length - this.paid - this.queued;
  }

  /** The duration below which that share of all answers came, in milliseconds. */
  quantile(share: number): number {
    const durations = this.samples.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
    return durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? Number.NaN;
  }

  /** Milliseconds from the provider's recovery to the first order that was paid at once. */
  get recoveryMs(): number | undefined {
    if (this.phase.isRecovery !== true) return undefined;
    const ends = this.samples
      .filter(({ status }) => status === 201)
      .map(({ startedAt, durationMs }) => startedAt + durationMs - this.beganAt);
    return ends.length === 0 ? Infinity : Math.min(...ends);
  }

  private count(wanted: number): number {
    return this.samples.filter(({ status }) => status === wanted).length;
  }
}
