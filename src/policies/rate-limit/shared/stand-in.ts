import type { PermitRequest } from '../../../engine/contract/admission.js';
import type { Environment } from '../../../engine/environment.js';
import type { Waiter } from '../../../engine/waiting/waiter.js';
import { LocalRateLimiter } from '../local-rate-limiter.js';
import type { RateLimitRejection } from '../rate-limit.error.js';
import type { RateLimiterSettings } from '../rate-limiter.js';
import { instancesOf } from '../../shared-store.js';
import type { Correction } from './limit-store.js';
import type { LimiterStore } from './limiter-store.js';

/** So many keys are remembered whose calls passed without the store; of others it is never told. */
const MAX_UNREPORTED = 10_000;

/**
 * Decides while the store cannot be asked: by a limit of its own, the part of this instance. It counts what the store grants too, so
 * that a store that comes and goes costs one burst of that part at most each time.
 */
export class StandIn {
  private readonly limiter: LocalRateLimiter;
  private instances = 1;
  /** What passed without the store, by key. */
  private unreported = new Map<string | undefined, number>();

  constructor(
    name: string,
    private settings: RateLimiterSettings,
    environment: Environment,
    private readonly store: LimiterStore,
  ) {
    this.instances = instancesOf(store);
    this.limiter = new LocalRateLimiter(name, part(settings, this.instances), environment);
  }

  get waiting(): number {
    return this.limiter.waiting;
  }

  reconfigure(settings: RateLimiterSettings): void {
    this.settings = settings;
    this.instances = instancesOf(this.store);
    this.limiter.reconfigure(part(settings, this.instances));
  }

  /** What the store has granted, or (negative) got back. */
  count(key: string | undefined, cost: number): void {
    if (cost >= 0) this.limiter.charge(key, cost);
    else this.limiter.giveBack(key, -cost);
  }

  peek(key: string | undefined): ReturnType<LocalRateLimiter['peek']> {
    return this.limiter.peek(key);
  }

  /** A call passed while the store could not be asked. */
  passed(key: string | undefined, cost: number): void {
    const before = this.unreported.get(key);
    if (before === undefined && this.unreported.size >= MAX_UNREPORTED) return;
    this.unreported.set(key, (before ?? 0) + cost);
  }

  /** What passed without the store and is still in use: what the store is to be told when it is back. */
  takeUnreported(): readonly Correction[] {
    const { limiter, unreported } = this;
    this.unreported = new Map<string | undefined, number>();
    return [...unreported].flatMap(([key, passed]) => {
      const inUse = limiter.capacity - limiter.peek(key).remaining;
      const cost = Math.min(passed, inUse);
      return cost > 0 ? [{ key, cost, stamp: 0 }] : [];
    });
  }

  /** A permit of its own, a turn to wait for, or the rejection. */
  admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    const instances = instancesOf(this.store);
    if (instances !== this.instances) this.reconfigure(this.settings);
    const { limiter } = this;
    // A call that only the whole limit could let pass takes all there is of the part.
    return limiter.admit(key, Math.min(cost, limiter.capacity), asking);
  }

  giveBack(key: string | undefined, cost: number): void {
    this.limiter.giveBack(key, Math.min(cost, this.limiter.capacity));
  }
}

/** The part of one of several instances; a permit at least, or nothing would ever pass. */
function part(settings: RateLimiterSettings, instances: number): RateLimiterSettings {
  const { limit, burst } = settings;
  const share = (whole: number): number => Math.max(1, Math.floor(whole / instances));
  return { ...settings, limit: share(limit), burst: share(burst) };
}
