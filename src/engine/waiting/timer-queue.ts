import type { Clock, TimerHandle } from '../clock.js';

/** Whose deadline it is. An object that is there already: a function for each deadline would be one more to keep. */
export interface DeadlineOwner {
  /** The time is over; `tag` says of which of the owner's deadlines. */
  expired(tag: number): void;
}

/** A moment at which something is to happen, unless it is disarmed before. Made once and armed again and again. */
export class Deadline {
  dueAt = Number.NaN;
  list: DeadlineList | undefined;
  /** The list it was in last: most are armed with the same duration again. */
  home: DeadlineList | undefined;
  previous: Deadline | undefined;
  next: Deadline | undefined;

  constructor(
    private readonly owner: DeadlineOwner,
    readonly tag: number,
  ) {}

  expire(): void {
    this.owner.expired(this.tag);
  }
}

/** Deadlines of one duration: who comes later is due later, so the list is in order by itself. */
interface DeadlineList {
  readonly durationMs: number;
  /** It has a timer. */
  isOpen: boolean;
  first: Deadline | undefined;
  last: Deadline | undefined;
  timer: TimerHandle;
}

/**
 * Many deadlines on few timers: one list and one timer for each duration in use. Arming and disarming are a few
 * pointer writes, O(1), where a `setTimeout` for each call costs several times the call. The price: a timer outlives its
 * last deadline until it fires once for nothing; it never keeps the process alive.
 */
export class TimerQueue {
  private readonly lists = new Map<number, DeadlineList>();
  private windingDown = false;

  constructor(private readonly clock: Clock) {}

  arm(deadline: Deadline, durationMs: number, now: number): void {
    const home = deadline.home;
    const list = home !== undefined && home.durationMs === durationMs && home.isOpen ? home : this.open(deadline, durationMs);
    deadline.dueAt = now + durationMs;
    deadline.list = list;
    deadline.previous = list.last;
    if (list.last === undefined) list.first = deadline;
    else list.last.next = deadline;
    list.last = deadline;
  }

  /** Takes a deadline back; does nothing for one that is not armed. */
  disarm(deadline: Deadline): void {
    const { list, previous, next } = deadline;
    if (list === undefined) return;
    if (previous === undefined) list.first = next;
    else previous.next = next;
    if (next === undefined) list.last = previous;
    else next.previous = previous;
    deadline.list = deadline.previous = deadline.next = undefined;
    if (this.windingDown && list.first === undefined) this.close(list);
  }

  /** From now on a timer goes with its last deadline: the application shuts down. What is armed still comes. */
  windDown(): void {
    this.windingDown = true;
    for (const list of this.lists.values()) if (list.first === undefined) this.close(list);
  }

  private open(deadline: Deadline, durationMs: number): DeadlineList {
    let list = this.lists.get(durationMs);
    if (list === undefined) {
      list = { durationMs, isOpen: true, first: undefined, last: undefined, timer: undefined };
      this.lists.set(durationMs, list);
      this.schedule(list, durationMs);
    }
    deadline.home = list;
    return list;
  }

  private close(list: DeadlineList): void {
    list.isOpen = false;
    this.lists.delete(list.durationMs);
    this.clock.clearTimer(list.timer);
  }

  private schedule(list: DeadlineList, delayMs: number): void {
    list.timer = this.clock.setTimer(() => this.fire(list), delayMs);
  }

  private fire(list: DeadlineList): void {
    const now = this.clock.now();
    const resolution = this.clock.timerResolution ?? 0;
    // A timer that fired a little early is not armed again for a whole millisecond, in which calls would pass their limit.
    const reached = now + resolution;
    while (list.first !== undefined && list.first.dueAt <= reached) {
      const due = list.first;
      this.disarm(due);
      due.expire();
    }
    if (!list.isOpen) return;
    if (list.first === undefined) this.close(list);
    // The clock rounds up: so it comes before the deadline by less than its resolution, and not after it by as much.
    else this.schedule(list, list.first.dueAt - reached);
  }
}
