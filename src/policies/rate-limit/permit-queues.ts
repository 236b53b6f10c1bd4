import type { Environment } from '../../engine/environment.js';
import { ScheduledQueue, type Forecast } from '../../engine/waiting/scheduled-queue.js';
import type { Waiter } from '../../engine/waiting/waiter.js';
import type { PermitTable } from './permit-table.js';

/** Those that were taken out of one queue, and are to be told. */
export interface TakenOut {
  readonly key: string | undefined;
  readonly waiters: readonly Waiter[];
}

/** Who waits for permits, by slot; there is a queue only for slots where somebody does. */
export class PermitQueues {
  private readonly queues = new Map<number, ScheduledQueue>();

  constructor(
    private readonly table: PermitTable,
    private readonly environment: Environment,
    /** Told of each waiter that has got its permits. */
    private readonly served: () => void,
    /** Told of those that the shutdown of the application has taken out. */
    private readonly closed: (taken: TakenOut) => void,
  ) {}

  get isEmpty(): boolean {
    return this.queues.size === 0;
  }

  /** How many wait, all keys together. */
  get size(): number {
    let size = 0;
    for (const queue of this.queues.values()) size += queue.size;
    return size;
  }

  of(slot: number): ScheduledQueue | undefined {
    return this.queues.get(slot);
  }

  open(slot: number, key: string | undefined): ScheduledQueue {
    const { table } = this;
    const forget = this.environment.shutdown.registerWaiter((end) => {
      const waiters = end === undefined ? queue.takeOut(() => true) : queue.takeOutAfter(end);
      if (waiters.length > 0) this.closed({ key, waiters });
    });
    const queue = new ScheduledQueue(
      {
        sumDecides: table.algorithm.sumDecides,
        dueAt: (cost, from) => table.algorithm.availableAt(table.state, table.at(slot), from, cost),
        serve: (cost, time) => {
          this.served();
          table.algorithm.take(table.state, table.at(slot), time, cost);
        },
        forecast: (now) => this.forecast(slot, now),
        emptied: () => {
          this.queues.delete(slot);
          forget();
          table.hold(slot, false);
        },
      },
      this.environment,
    );
    this.queues.set(slot, queue);
    table.hold(slot, true);
    return queue;
  }

  /** The way of counting has changed: who waits moves up or back, and those that ask for more than there is are taken out. */
  paceChanged(): readonly TakenOut[] {
    const { capacity } = this.table.algorithm;
    return [...this.queues].map(([slot, queue]) => ({
      key: this.table.keyOf(slot),
      waiters: queue.takeOut(({ cost }) => cost > capacity),
    }));
  }

  /** Serves on a copy of the state. */
  private forecast(slot: number, now: number): Forecast {
    const { algorithm, state } = this.table;
    const at = this.table.at(slot);
    const copy = state.slice(at, at + algorithm.width);
    let latest = now;
    return {
      next: (cost) => algorithm.availableAt(copy, 0, latest, cost),
      join: (cost, times) => {
        latest = algorithm.takeInTurn(copy, 0, latest, cost, times);
      },
    };
  }
}
