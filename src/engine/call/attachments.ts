import type { Outcome } from '../contract/outcome.js';
import { Deadline, type DeadlineOwner, type TimerQueue } from '../waiting/timer-queue.js';
import { deferred } from '../waiting/waiter.js';
import { ignoreEnd } from '../drivers/promises.js';
import type { Branch } from './branch.js';
import type { AttemptFacts, CallFacts } from './facts.js';

/** What only few calls have: made for those that ask for it, and let go of with the call. */
export class Attachments {
  facts: CallFacts | undefined;
  attemptFacts: AttemptFacts | undefined;
  /** Which branch the record belongs to, where it is that of one. */
  branch: Branch | undefined;
  /** The branches that are cut off with the call. */
  branches: Branch[] = [];
  alarms: Alarm[] = [];

  /** The alarm of a layer: the last one set counts. */
  setAlarm(layer: number, deadlines: TimerQueue, durationMs: number, now: number, ring: () => void): void {
    this.alarms = this.alarms.filter((alarm) => alarm.layer !== layer || alarm.disarm());
    const alarm = new Alarm(layer, deadlines, ring);
    this.alarms.push(alarm);
    alarm.arm(durationMs, now);
  }

  /** Another attempt begins inside of a layer, which may have begun branches before and keeps them. */
  beginAgain(layer: number): void {
    this.attemptFacts = undefined;
    this.alarms = this.alarms.filter((alarm) => alarm.layer < layer || alarm.disarm());
  }

  /** What goes on beside the call inside of a layer, and of its branches, is cut off. */
  cut(layer: number, outcome: Outcome, reason: unknown): void {
    const { branches } = this;
    this.branches = branches.filter((branch) => branch.layer < layer);
    for (const branch of branches) if (branch.layer >= layer) branch.cut(outcome, reason);
    this.alarms = this.alarms.filter((alarm) => alarm.layer < layer || alarm.disarm());
  }
}

/** A timer of a layer that cuts nothing off. It rings in the async context in which it was set, and not in that of the shared timer. */
export class Alarm implements DeadlineOwner {
  private readonly deadline = new Deadline(this, 0);
  private readonly wake: () => void;
  private isArmed = true;

  constructor(
    readonly layer: number,
    private readonly deadlines: TimerQueue,
    ring: () => void,
  ) {
    const { promise, resolve } = deferred();
    this.wake = resolve;
    ignoreEnd(promise.then(() => this.ring(ring)));
  }

  arm(durationMs: number, now: number): void {
    this.deadlines.arm(this.deadline, durationMs, now);
  }

  /** What the layer throws is told by whoever asks it. */
  private ring(ring: () => void): void {
    if (!this.isArmed) return;
    this.isArmed = false;
    ring();
  }

  /** @returns false, for the list that it goes from. */
  disarm(): false {
    this.isArmed = false;
    this.deadlines.disarm(this.deadline);
    return false;
  }

  expired(): void {
    this.wake();
  }
}
