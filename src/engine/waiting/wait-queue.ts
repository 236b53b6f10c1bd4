import { Heap } from './heap.js';
import type { Lane, Waiter } from './waiter.js';

/** The lanes in use, by priority. */
class Lanes {
  readonly byPriority = new Map<number, Lane>();
  readonly highest = new Heap<Lane>((a, b) => a.priority > b.priority);
  readonly lowest = new Heap<Lane>((a, b) => a.priority < b.priority);

  open(priority: number): Lane {
    const lane: Lane = { priority, first: undefined, last: undefined };
    this.byPriority.set(priority, lane);
    this.highest.add(lane);
    this.lowest.add(lane);
    return lane;
  }

  close(lane: Lane): void {
    this.byPriority.delete(lane.priority);
    this.highest.remove(lane);
    this.lowest.remove(lane);
  }
}

/**
 * Waiters by priority, higher first, and first in, first out within one. With a single priority every operation is
 * O(1); with n of them O(log n), and only when a lane begins or ends. A waiter is removed from anywhere at once.
 */
export class WaitQueue {
  size = 0;
  /** Made for the first waiter: most lines never have one. */
  private lanes: Lanes | undefined;

  /** Who is next. */
  get first(): Waiter | undefined {
    return this.lanes?.highest.first?.first;
  }

  /** Who makes room when somebody has to: the oldest of the lowest priority. */
  get evictionCandidate(): Waiter | undefined {
    return this.lanes?.lowest.first?.first;
  }

  add(waiter: Waiter): void {
    const lanes = (this.lanes ??= new Lanes());
    const lane = lanes.byPriority.get(waiter.priority) ?? lanes.open(waiter.priority);
    waiter.lane = lane;
    waiter.previous = lane.last;
    if (lane.last === undefined) lane.first = waiter;
    else lane.last.next = waiter;
    lane.last = waiter;
    this.size++;
  }

  /** Takes out who is next. */
  shift(): Waiter | undefined {
    const waiter = this.first;
    if (waiter !== undefined) this.remove(waiter);
    return waiter;
  }

  /** Takes out a waiter, wherever it stands. */
  remove(waiter: Waiter): void {
    const { lane, previous, next } = waiter;
    if (lane === undefined) return;
    if (previous === undefined) lane.first = next;
    else previous.next = next;
    if (next === undefined) lane.last = previous;
    else next.previous = previous;
    waiter.lane = waiter.previous = waiter.next = undefined;
    this.size--;
    if (lane.first === undefined) this.lanes?.close(lane);
  }

  /** All waiters in the order in which they would be served, lane by lane in no order of priority where there are several. */
  *[Symbol.iterator](): Generator<Waiter> {
    for (const lane of this.lanes?.byPriority.values() ?? []) {
      for (let waiter = lane.first; waiter !== undefined; waiter = waiter.next) yield waiter;
    }
  }
}
