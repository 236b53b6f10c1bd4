import { Agenda } from '../agenda.js';
import type { PermitAnswer } from '../limit-store.js';
import type { SharedLimiter } from '../shared-limiter.js';
import type { Batch, KeyLease } from './key-lease.js';

/** A batch is spent within so long: what is moved in time by that is at most a tenth of the limit. */
const LONGEST_LEASE_MS = 250;

/** The batches of all keys: what is unused of them goes back when their time is over, and when the application ends. */
export class LeaseBatches {
  private readonly expiries: Agenda<Batch>;
  private forgetTimer: (() => void) | undefined;

  /** @param ended Told of a key that has a batch less. */
  constructor(
    private readonly limiter: SharedLimiter,
    private readonly ended: (lease: KeyLease) => void,
  ) {
    this.expiries = new Agenda<Batch>(limiter.environment, false, (batch) => this.expire(batch));
  }

  /**
   * For how long a batch may be kept: for a bucket a tenth of `per` at most, so that no more than a tenth of the limit is in use later
   * than the store thinks. What a window has given is in use within it; so there it is only about how much lies idle.
   */
  get longestMs(): number {
    const { algorithm, per } = this.limiter.settings;
    return algorithm === 'token-bucket' ? Math.min(per / 10, LONGEST_LEASE_MS) : Math.max(per / 10, LONGEST_LEASE_MS);
  }

  /** A batch has come. Its time is counted from before the store was asked: permits are in use no later than the store thinks. */
  take(lease: KeyLease, answer: PermitAnswer, sentAt: number): Batch {
    const { limiter, longestMs } = this;
    limiter.standIn.count(lease.key, answer.granted);
    const lasts = limiter.settings.algorithm === 'token-bucket' ? longestMs : Math.min(longestMs, answer.windowEndsInMs);
    const dueAt = sentAt + lasts;
    const { granted, stamp } = answer;
    const batch: Batch = { lease, dueAt, stamp, low: granted / 4, renewAt: dueAt - lasts / 4, left: granted };
    lease.batches.push(batch);
    return batch;
  }

  /** What is left of it after those that waited. */
  keep(batch: Batch, now: number): void {
    if (batch.dueAt <= now) {
      this.expire(batch);
      return;
    }
    this.expiries.add(batch);
    // When the application has shut down nobody waits for the end of a batch.
    this.forgetTimer ??= this.limiter.environment.shutdown.timer(() => {
      this.giveBackAll();
      this.limiter.calls.flush();
    });
  }

  giveBackAll(): void {
    for (const batch of this.expiries) {
      this.expiries.remove(batch);
      this.expire(batch);
    }
  }

  giveBackOf(lease: KeyLease): void {
    for (let batch = lease.batches[0]; batch !== undefined; batch = lease.batches[0]) {
      this.expiries.remove(batch);
      this.expire(batch);
    }
  }

  private expire(batch: Batch): void {
    const { limiter } = this;
    const { lease, left } = batch;
    const index = lease.batches.indexOf(batch);
    if (index >= 0) lease.batches.splice(index, 1);
    batch.left = 0;
    if (left > 0) {
      limiter.standIn.count(lease.key, -left);
      limiter.calls.giveBack(lease.key, left, batch.stamp);
    }
    this.ended(lease);
    if (this.expiries.size > 0) return;
    this.forgetTimer?.();
    this.forgetTimer = undefined;
  }
}
