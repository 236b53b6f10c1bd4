import type { Settlement } from '../contract/outcome.js';
import { offAbort, onAbort } from './abort-listeners.js';
import type { TimerQueue } from './timer-queue.js';
import { Deadline, type DeadlineOwner } from './timer-queue.js';

type WaiterState = 'waiting' | 'granted' | 'rejected' | 'settled' | 'left';

/** What somebody waits for; a call that waits for something `injected` counts as running its method. */
export type WaitReason = 'queue' | 'decision' | 'shared-call' | 'branches' | 'injected';

/** Who owns the line that a waiter stands in. */
export interface WaiterOwner {
  /** The waiter gave up: take it out of the line. */
  left(waiter: Waiter): void;
  /** `longestWaitMs` is over: take it out and say with which error; undefined lets it pass. */
  expired(waiter: Waiter): Error | undefined;
}

const nobody = (): void => undefined;

/**
 * Somebody who waits for a place. The line holds the waiter; whoever waits is woken by `wake`, once, and goes on in its
 * own async context and not in that of the call which freed the place.
 */
export class Waiter implements DeadlineOwner {
  state: WaiterState = 'waiting';
  /** Why it was rejected. */
  rejection: Error | undefined;
  /** What it got in place of a turn. */
  settlement: Settlement | undefined;
  wake: () => void = nobody;
  lane: Lane | undefined;
  previous: Waiter | undefined;
  next: Waiter | undefined;

  constructor(
    readonly owner: WaiterOwner,
    readonly priority: number,
    readonly cost: number,
    readonly longestWaitMs: number | undefined,
    readonly operationId: string | undefined,
    /** When it began to wait, by the clock. */
    readonly since: number,
    readonly reason: WaitReason = 'queue',
  ) {}

  grant(): void {
    if (this.state === 'waiting') this.end('granted');
  }

  reject(error: Error): void {
    if (this.state !== 'waiting') return;
    this.rejection = error;
    this.end('rejected');
  }

  /** What it waited for has come, and there is nothing to do any more: the call ends so. */
  settle(settlement: Settlement): void {
    if (this.state !== 'waiting') return;
    this.settlement = settlement;
    this.end('settled');
  }

  /** Gives up the place in the line. */
  leave(): void {
    if (this.state !== 'waiting') return;
    this.state = 'left';
    this.owner.left(this);
  }

  /** Its time is over. */
  expired(): void {
    if (this.state !== 'waiting') return;
    const error = this.owner.expired(this);
    if (error === undefined) this.grant();
    else this.reject(error);
  }

  private end(state: WaiterState): void {
    this.state = state;
    this.wake();
  }
}

/** All waiters of one priority, first in, first out. */
export interface Lane {
  readonly priority: number;
  first: Waiter | undefined;
  last: Waiter | undefined;
}

/** Starts the clock of a waiter that may wait only so long; gives what stops it. */
export function limitWait(waiter: Waiter, deadlines: TimerQueue, now: number): () => void {
  if (waiter.longestWaitMs === undefined) return nobody;
  const deadline = new Deadline(waiter, 0);
  deadlines.arm(deadline, waiter.longestWaitMs, now);
  return () => deadlines.disarm(deadline);
}

/**
 * Waits by hand for a place: settles when the waiter is granted or rejected.
 * @throws the reason of `signal` where the caller aborts; then the place in the line is given up, or given back through
 * `giveBack` where it was granted in the same moment.
 */
export async function waitTurn(
  waiter: Waiter,
  stopLimit: () => void,
  signal: AbortSignal | undefined,
  giveBack: () => void,
): Promise<void> {
  const { promise, resolve } = deferred();
  waiter.wake = resolve;
  const listener = signal === undefined ? undefined : { aborted: () => (waiter.leave(), resolve()) };
  if (listener !== undefined) onAbort(signal!, listener);
  if (waiter.state !== 'waiting') resolve();
  await promise;
  stopLimit();
  if (listener !== undefined) offAbort(signal!, listener);
  if (signal?.aborted === true) {
    if (waiter.state === 'granted') giveBack();
    throw signal.reason;
  }
  if (waiter.rejection !== undefined) throw waiter.rejection;
}

/** A promise with its key. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
