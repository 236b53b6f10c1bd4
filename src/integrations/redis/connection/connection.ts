import { systemClock, type TimerHandle } from '../../../engine/clock.js';
import { TimerQueue } from '../../../engine/waiting/timer-queue.js';
import { Link, type LinkOwner } from './link.js';
import { PendingCommand } from './pending-command.js';
import type { StoreClient } from './store-client.js';
import { StoreTimeoutError, StoreUnavailableError } from './store.error.js';
import { Subscriptions } from './subscriptions.js';

/** How often the client is looked at, and what is to be done at times is done. */
const LOOK_MS = 50;

/** So many commands without an answer, and with none between them: on this connection nobody answers any more. */
const TIMEOUTS_IN_A_ROW = 3;

/** Does what is to be done every now and then. */
export type Regular = (now: number) => void;

/**
 * Commands on a client: nothing is sent unless the client says that it is ready, and no answer is waited for longer than
 * `commandTimeoutMs`. Its time is that of the machine, as it is the network's: an application's own clock may stand still.
 */
export class Connection {
  readonly link: Link;
  readonly subscriptions: Subscriptions;
  private readonly timers = new TimerQueue(systemClock);
  private readonly pending = new Set<PendingCommand>();
  private timeoutsInARow = 0;
  private timer: TimerHandle;

  constructor(
    private readonly client: StoreClient,
    private readonly commandTimeoutMs: number,
    owner: LinkOwner,
    private readonly regular: Regular,
  ) {
    this.link = new Link(client, owner);
    this.subscriptions = new Subscriptions(() => client.subscriber(), commandTimeoutMs);
  }

  /** Nothing happens before: an application that is only put together has no connection. */
  begin(): void {
    if (this.timer !== undefined || this.link.state === 'closed') return;
    this.client.begin?.();
    this.schedule();
  }

  get isReady(): boolean {
    return this.link.state === 'ready' && this.client.isReady;
  }

  readonly send: StoreClient['send'] = (key, words) => this.client.send(key, words);

  /** Does work that may take several answers in the time of one. @throws StoreUnavailableError, StoreTimeoutError, or what the work does. */
  command(name: string, work: (command: PendingCommand) => Promise<unknown>): Promise<unknown> {
    this.link.look(systemClock.now());
    if (this.link.state !== 'ready') return Promise.reject(new StoreUnavailableError(`${name}: the store is not connected`, {}));
    const command = new PendingCommand(name, this.commandTimeoutMs, this.timers, (ended, error) => this.ended(ended, error));
    this.pending.add(command);
    // Also where nobody waits for it any more its end is heard of.
    work(command).then(
      (reply) => command.answered(reply),
      (error: unknown) => command.failed(error),
    );
    return command.promise;
  }

  /** Ends at once, whatever the server does: who still waits is told. A client that is not ours lives on. */
  close(): void {
    if (this.link.state === 'closed') return;
    this.link.close();
    systemClock.clearTimer(this.timer);
    this.subscriptions.close();
    for (const command of this.pending) command.failed(new StoreUnavailableError('the store was closed', {}));
    this.timers.windDown();
    this.client.close();
  }

  private ended(command: PendingCommand, error: unknown): void {
    this.pending.delete(command);
    this.timeoutsInARow = error instanceof StoreTimeoutError ? this.timeoutsInARow + 1 : 0;
    if (this.timeoutsInARow < TIMEOUTS_IN_A_ROW) return;
    this.timeoutsInARow = 0;
    this.link.renew(systemClock.now());
  }

  private schedule(): void {
    this.timer = systemClock.setTimer(() => {
      const now = systemClock.now();
      this.link.look(now);
      this.subscriptions.look(now, this.link.state === 'ready');
      this.regular(now);
      if (this.link.state !== 'closed') this.schedule();
    }, LOOK_MS);
  }
}
