import type { Clock } from '../../../core.js';

/** Whether something has been so for long enough, of each subject on its own. */
export class SustainedCondition {
  private readonly since = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly forMs: number,
  ) {}

  holds(subject: string, isSo: boolean): boolean {
    if (!isSo) {
      this.since.delete(subject);
      return false;
    }
    const now = this.clock.now();
    const since = this.since.get(subject) ?? now;
    this.since.set(subject, since);
    return now - since >= this.forMs;
  }
}
