import type { TimerHandle } from '../../../engine/clock.js';
import type { Environment } from '../../../engine/environment.js';
import { Heap } from '../../../engine/waiting/heap.js';

/** A time and a duration may add up to a little less than they should. */
export const ROUNDING_MS = 1e-5;

/** What has its time. */
export interface Dated {
  /** By the clock; does not change while it is on an agenda. */
  readonly dueAt: number | undefined;
}

/** What is to be done at times of its own. One timer for all of it. */
export class Agenda<Item extends Dated> {
  private readonly order = new Heap<Item>((a, b) => a.dueAt! < b.dueAt!);
  private readonly items = new Set<Item>();
  private timer: TimerHandle;
  private timerAt = Infinity;

  /** @param keepAlive Whether callers wait for it, so that the process must not end before. */
  constructor(
    private readonly environment: Environment,
    private readonly keepAlive: boolean,
    private readonly due: (item: Item) => void,
  ) {}

  get size(): number {
    return this.items.size;
  }

  has(item: Item): boolean {
    return this.items.has(item);
  }

  add(item: Item): void {
    this.items.add(item);
    this.order.add(item);
    this.schedule();
  }

  /** False where it was not there. */
  remove(item: Item): boolean {
    if (!this.items.delete(item)) return false;
    this.order.remove(item);
    this.schedule();
    return true;
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.items.values();
  }

  private schedule(): void {
    const dueAt = this.order.first?.dueAt ?? Infinity;
    if (dueAt === this.timerAt) return;
    const { clock } = this.environment;
    if (this.timer !== undefined) clock.clearTimer(this.timer);
    this.timerAt = dueAt;
    this.timer = dueAt === Infinity ? undefined : clock.setTimer(() => this.fire(), dueAt - clock.now(), this.keepAlive);
  }

  private fire(): void {
    this.timer = undefined;
    this.timerAt = Infinity;
    const reached = this.environment.clock.now() + ROUNDING_MS;
    for (let first = this.order.first; first !== undefined && first.dueAt! <= reached; first = this.order.first) {
      this.items.delete(first);
      this.order.remove(first);
      this.due(first);
    }
    this.schedule();
  }
}
