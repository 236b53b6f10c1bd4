import { systemClock } from '../../../engine/clock.js';
import { StoreTimeoutError, StoreUnavailableError } from './store.error.js';
import type { StoreClient } from './store-client.js';

/** What is sent for a command: one word after the other of what makes it up. */
export type Send = StoreClient['send'];

/**
 * Commands on a client: nothing is sent unless it says that it is ready, and no answer is waited for longer than `commandTimeoutMs`.
 * Its time is that of the machine, as it is the network's: an application's own clock may stand still.
 */
export class Connection {
  constructor(
    readonly client: StoreClient,
    private readonly commandTimeoutMs: number,
  ) {}

  /** Does what may take several commands in the time of one. @throws StoreUnavailableError, StoreTimeoutError, or the server's error. */
  command(name: string, work: (send: Send) => Promise<unknown>): Promise<unknown> {
    if (!this.client.isReady) return Promise.reject(new StoreUnavailableError(`${name}: the store is not connected`, {}));
    return new Promise((resolve, reject) => {
      const timer = systemClock.setTimer(
        () => setImmediate(() => reject(new StoreTimeoutError(`${name}: no answer of the store in ${this.commandTimeoutMs} ms`, {}))),
        this.commandTimeoutMs,
      );
      work(this.client.send.bind(this.client))
        .then(resolve, reject)
        .finally(() => systemClock.clearTimer(timer));
    });
  }
}
