import type { Shutdown } from '../../../engine/waiting/shutdown.js';
import type { Waiter } from '../../../engine/waiting/waiter.js';

/** Those of whom the store has not decided yet, in the order of arrival. */
export class Askers {
  private readonly waiters = new Set<Waiter>();
  private forgetClose: () => void = () => undefined;

  constructor(
    private readonly shutdown: Shutdown,
    /** The application shuts down. */
    private readonly turnAway: () => void,
  ) {}

  get size(): number {
    return this.waiters.size;
  }

  /** How many would stand in a line. */
  get patient(): number {
    let patient = 0;
    for (const { reason } of this.waiters) if (reason === 'queue') patient++;
    return patient;
  }

  has(waiter: Waiter): boolean {
    return this.waiters.has(waiter);
  }

  add(waiter: Waiter): void {
    if (this.waiters.size === 0) this.forgetClose = this.shutdown.registerWaiter((end) => end === undefined && this.turnAway());
    this.waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    if (this.waiters.delete(waiter) && this.waiters.size === 0) this.forgetClose();
  }

  all(): Waiter[] {
    return [...this.waiters];
  }

  /** So many of the highest priorities. */
  first(count: number): Waiter[] {
    if (count >= this.waiters.size) return this.all();
    return this.all()
      .toSorted((a, b) => b.priority - a.priority)
      .slice(0, count);
  }
}
