import type { Clock } from '../../../../engine/clock.js';
import type { KeyLease } from './key-lease.js';

/** How many leases are looked at for one that nobody waits for. */
const COMPARED = 8;

/** The leases by key, bounded; those that have nothing are not kept. */
export class LeaseTable {
  private common: KeyLease | undefined;
  /** In the order in which their batches were asked for. */
  private readonly leases = new Map<string, KeyLease>();

  constructor(
    private readonly maxKeys: number,
    private readonly clock: Clock,
    private readonly create: (key: string | undefined, now: number) => KeyLease,
    private readonly evicted: (lease: KeyLease) => void,
  ) {}

  get size(): number {
    return this.leases.size;
  }

  find(key: string | undefined): KeyLease | undefined {
    return key === undefined ? this.common : this.leases.get(key);
  }

  obtain(key: string | undefined, now: number): KeyLease {
    if (key === undefined) return (this.common ??= this.create(undefined, now));
    let lease = this.leases.get(key);
    if (lease === undefined) {
      if (this.leases.size >= this.maxKeys) this.evict();
      this.leases.set(key, (lease = this.create(key, now)));
    }
    return lease;
  }

  /** Its next batch is asked for. */
  used({ key }: KeyLease): void {
    const lease = key === undefined ? undefined : this.leases.get(key);
    if (lease === undefined || this.leases.size === 1) return;
    this.leases.delete(key!);
    this.leases.set(key!, lease);
  }

  forgetIdle(lease: KeyLease): void {
    if (lease.key !== undefined && lease.isIdle(this.clock.now()) && this.leases.get(lease.key) === lease) this.leases.delete(lease.key);
  }

  *[Symbol.iterator](): Generator<KeyLease> {
    if (this.common !== undefined) yield this.common;
    yield* this.leases.values();
  }

  /** The one that was asked for longest ago, and for which nobody waits where there is one among the first. */
  private evict(): void {
    let victim: KeyLease | undefined;
    let seen = 0;
    for (const lease of this.leases.values()) {
      victim ??= lease;
      if (lease.line.size === 0) {
        victim = lease;
        break;
      }
      if (++seen >= COMPARED) break;
    }
    this.leases.delete(victim!.key!);
    this.evicted(victim!);
  }
}
