import type { Clock, ResilienceLogger, TimerHandle } from '../../core.js';

const SUMMARY_EVERY_MS = 1000;

/**
 * Logs rejections without the flood of an outage: each one at debug level, and at most one line a second that sums up what
 * came in it.
 */
export class RejectionLog {
  private readonly counts = new Map<string, number>();
  private timer: TimerHandle;

  constructor(
    private readonly logger: ResilienceLogger,
    private readonly clock: Clock,
  ) {}

  count(code: string, message: string): void {
    this.logger.debug?.(message);
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    this.timer ??= this.clock.setTimer(() => this.sumUp(), SUMMARY_EVERY_MS);
  }

  /** Says what was not said yet, and waits for nothing more. */
  close(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer);
    this.sumUp();
  }

  private sumUp(): void {
    this.timer = undefined;
    if (this.counts.size === 0) return;
    const total = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
    const byCode = [...this.counts].map(([code, count]) => `${code} ${count}`).join(', ');
    this.counts.clear();
    this.logger.warn(`answered ${total} call${total === 1 ? '' : 's'} without a result: ${byCode}`);
  }
}
