import type { Environment } from '../../engine/environment.js';
import { Deadline, type DeadlineOwner } from '../../engine/waiting/timer-queue.js';

/** What an abandoned permit is of. */
interface PermitOwner {
  /** How many of its permits are abandoned. */
  abandoned: number;
  release(): void;
  releaseAbandoned(operationId: string | undefined, answeredMsAgo: number): void;
}

/**
 * The permit of a call whose caller has been answered while the method runs on. It comes back once: when the method
 * settles, or before that when `releaseAfter` is over.
 */
export class AbandonedPermit implements DeadlineOwner {
  private owner: PermitOwner | undefined;
  private readonly deadline = new Deadline(this, 0);
  private stopTimer: () => void = () => undefined;
  private afterMs = 0;

  constructor(
    owner: PermitOwner,
    private readonly operationId: string | undefined,
  ) {
    this.owner = owner;
    owner.abandoned++;
  }

  releaseAfter(afterMs: number, { deadlines, clock }: Environment): void {
    this.afterMs = afterMs;
    deadlines.arm(this.deadline, afterMs, clock.now());
    this.stopTimer = () => deadlines.disarm(this.deadline);
  }

  /** The method has settled. */
  end(): void {
    this.stopTimer();
    this.giveUp()?.release();
  }

  expired(): void {
    this.giveUp()?.releaseAbandoned(this.operationId, this.afterMs);
  }

  private giveUp(): PermitOwner | undefined {
    const { owner } = this;
    this.owner = undefined;
    if (owner !== undefined) owner.abandoned--;
    return owner;
  }
}
