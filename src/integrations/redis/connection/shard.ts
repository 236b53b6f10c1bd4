import { ServerClock } from './server-clock.js';

/** So many failures in a row, and the shard is left alone. */
const FAILURES = 3;

/** How soon a shard that is left alone is tried again; doubles with each failure ... */
const RETRY_MS = 100;
/** ... up to this. */
const MOST_RETRY_MS = 2000;

/** Who has worked for so long is tried soon again when it fails. */
const STEADY_MS = 10_000;

/**
 * THE BREAKER BEFORE THE STORE, one for each server that can fail by itself.
 *
 *     unknown -- the first probe is answered ------------------> up
 *     up ------- three failures in a row, or one that says ----> down
 *                itself that it cannot work, or a lost connection
 *     down ----- a probe is answered (100 ms, ... 2 s apart) --> up
 */
export class Shard {
  state: 'unknown' | 'up' | 'down' = 'unknown';
  readonly clock = new ServerClock();
  probe: Promise<void> | undefined;
  nextProbeAt = 0;
  /** When it was heard of last. */
  heardAt = 0;
  /** Why it is down. */
  reason = 'not connected yet';
  private failures = 0;
  private retryMs = RETRY_MS;
  private upSince = 0;

  constructor(
    /** Where a probe writes. */
    readonly probeKey: string,
  ) {}

  /** Something was answered, be it with an error of the asker's own. */
  heard(now: number): void {
    this.heardAt = now;
    this.failures = 0;
  }

  answeredProbe(now: number): void {
    this.heard(now);
    if (this.state !== 'up') this.upSince = now;
    this.state = 'up';
  }

  /** @param atOnce It says itself that it cannot work. */
  failed(reason: string, atOnce: boolean, now: number): void {
    this.failures++;
    if (this.state !== 'up' || atOnce || this.failures >= FAILURES) this.goDown(reason, now);
  }

  /** What is known of its clock is another server's, where the next connection leads elsewhere. */
  disconnected(now: number): void {
    this.clock.forget();
    if (this.state === 'up') this.goDown('the connection was lost', now);
  }

  private goDown(reason: string, now: number): void {
    if (this.state === 'up' && now - this.upSince > STEADY_MS) this.retryMs = RETRY_MS;
    this.state = 'down';
    this.reason = reason;
    this.nextProbeAt = now + this.retryMs;
    this.retryMs = Math.min(2 * this.retryMs, MOST_RETRY_MS);
  }
}
