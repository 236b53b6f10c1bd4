import { Outcome } from '../contract/outcome.js';

/** What an attempt beside a call's own is for. A `hedge` never waits for a permit: it is rejected where there is none at once. */
export type BranchPurpose = 'hedge' | 'refresh' | 'shared';

export interface BranchOptions {
  readonly purpose: BranchPurpose;
  /** It outlives the call that began it, with arguments of its own, and ends with the shutdown. Else it is cut off with its call. */
  readonly detached?: boolean;
}

/** What a branch needs of its record. */
interface BranchRecord {
  interrupt(layer: number, outcome: Outcome, reason: unknown): void;
}

/** Another attempt through everything inside of a layer, beside that of the call. */
export class Branch {
  /** What the strategy remembers of it. */
  slot: unknown;
  /** Until when somebody waits for it, as a reading of the clock: what its attempts are told. */
  deadline: number | undefined;
  readonly isDetached: boolean;
  readonly purpose: BranchPurpose;
  private record: BranchRecord | undefined;

  constructor(
    /** The layer that began it; it runs through those inside. */
    readonly layer: number,
    { purpose, detached = false }: BranchOptions,
    record: BranchRecord,
  ) {
    this.purpose = purpose;
    this.isDetached = detached;
    this.record = record;
  }

  /** It has ended, or nobody is to hear of its end any more. */
  get isOver(): boolean {
    return this.record === undefined;
  }

  /** It is not needed any more: what is inside is told SUPERSEDED, its signal aborts, and nobody hears of its end. */
  abort(reason: unknown = superseded()): void {
    this.cut(Outcome.SUPERSEDED, reason);
  }

  /**
   * Somebody waits for it until then: `deadline` of the attempts that begin from now on says so. Nothing cuts it off at that time;
   * who began it does that, by `abort`, when nobody waits any more.
   */
  extendDeadline(at: number): void {
    if (this.deadline === undefined || at > this.deadline) this.deadline = at;
  }

  /** @internal The same for other reasons. */
  cut(outcome: Outcome, reason: unknown): void {
    const { record } = this;
    this.record = undefined;
    record?.interrupt(this.layer, outcome, reason);
  }

  /** @internal Its record goes to another call. */
  ended(): void {
    this.record = undefined;
  }
}

/** What the signal of an attempt is aborted with that outlives its call, when the application shuts down. */
export function shutDown(): Error {
  return new DOMException('the application shuts down', 'AbortError');
}

/** What the signal of an attempt is aborted with when another one has answered. */
export function superseded(): Error {
  return new DOMException('another attempt has answered', 'AbortError');
}
