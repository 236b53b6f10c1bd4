import { instancesOf } from '../../../shared-store.js';
import type { PermitRequest } from '../../../../engine/contract/admission.js';
import type { Environment } from '../../../../engine/environment.js';
import type { Waiter } from '../../../../engine/waiting/waiter.js';
import type { Key } from '../../../../options/index.js';
import type { RateLimitRejection } from '../../rate-limit.error.js';
import type { RateLimiterSettings, RateLimitRequest, RateLimitStatus } from '../../rate-limiter.js';
import { LeasedPermits } from './leased-permits.js';
import type { LimiterStore } from '../limiter-store.js';
import { SharedRateLimiter } from '../shared-rate-limiter.js';

/** A limiter that takes its permits from the store in batches. */
export class LeasedRateLimiter extends SharedRateLimiter {
  private readonly leased: LeasedPermits;
  private hasToldOfTooMany = false;

  constructor(name: string, settings: RateLimiterSettings, environment: Environment, store: LimiterStore) {
    super(name, settings, environment, store);
    this.leased = new LeasedPermits(this);
    store.beforeStop(() => {
      this.leased.giveBackAll();
      return this.calls.idle();
    });
  }

  override get keyCount(): number {
    return Math.max(super.keyCount, this.leased.keyCount);
  }

  override get waiting(): number {
    return super.waiting + this.leased.waiting;
  }

  override tryAcquire(request: RateLimitRequest = {}): boolean {
    const { key, cost } = this.read(request);
    if (this.state === 'disabled') return true;
    if (cost > this.capacity) {
      this.countRejection('cost', { key, cost }, undefined);
      return false;
    }
    const { clock } = this.environment;
    if (!this.store.availability.isAvailable) return this.admitAlone(key, cost, { mayWait: false, now: () => clock.now() }) === undefined;
    const isServed = this.leased.spendNow(key, cost);
    if (isServed) this.allowed++;
    else this.countRejection('limit', { key, cost }, undefined);
    return isServed;
  }

  /** What the store has said last, and what of it is here. */
  override peek(key?: Key): RateLimitStatus {
    const said = super.peek(key);
    if (this.state === 'disabled') return said;
    const left = Math.floor(this.leased.leftOf(this.textOf(key)));
    return { ...said, remaining: Math.min(this.capacity, said.remaining + left) };
  }

  protected override limitChanged(): void {
    super.limitChanged();
    this.leased.limitChanged();
  }

  protected override admitShared(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    if (cost > this.leased.largestBatch || this.isSpreadTooThin() || this.environment.shutdown.isDraining)
      return this.exact.admit(key, cost, asking);
    return this.leased.admit(key, cost, asking);
  }

  protected override giveBackShared(key: string | undefined, cost: number, stamp: number | undefined, askedAt: number): void {
    if (!this.leased.giveBack(key, cost)) super.giveBackShared(key, cost, stamp, askedAt);
  }

  /** A batch of a tenth of the limit for each of so many instances would be more than there is. */
  private isSpreadTooThin(): boolean {
    const instances = instancesOf(this.store);
    const { limit } = this.settings;
    if (limit / 10 >= instances) return false;
    if (!this.hasToldOfTooMany) {
      this.hasToldOfTooMany = true;
      this.environment.logger.warn(
        `rate limit "${this.name}": a limit of ${limit} is too small to be leased to ${instances} instances, so the store decides each permit (shared: 'exact')`,
      );
    }
    return true;
  }
}
