import type { PermitClaim, PermitGrant, PermitStore } from '../../../src/policies/bulkhead/shared/permit-store.js';
import { PROPAGATION_MS } from './stores.js';

interface Permit {
  readonly of: string;
  readonly holder: string;
  readonly until: number;
}

interface Waiting {
  readonly of: string;
  readonly holder: string;
  readonly until: number;
}

/** One list of permits, one of those who wait, and one of who was served, in the order in which it happened. */
export class NaivePermits implements PermitStore {
  private permits: Permit[] = [];
  private waiting: Waiting[] = [];
  private claims: { holder: string; sequence: number; until: number }[] = [];
  private served: string[] = [];
  private readonly listeners: ((holder: string) => void)[] = [];

  constructor(
    private readonly now: () => number,
    private readonly leaseMs: number,
  ) {}

  exchange(claims: readonly PermitClaim[]): Promise<readonly PermitGrant[]> {
    return Promise.resolve(claims.map((claim) => this.one(claim)));
  }

  onFreed(listener: (holder: string) => void): () => void {
    this.listeners.push(listener);
    return () => this.listeners.splice(this.listeners.indexOf(listener), 1);
  }

  private one({ name: bulkhead, key, holder, sequence, limit, held, wanted, staying }: PermitClaim): PermitGrant {
    const now = this.now();
    const of = JSON.stringify({ bulkhead, key });
    this.permits = this.permits.filter(({ until }) => until >= now);
    this.claims = this.claims.filter(({ until }) => until >= now);
    this.served = this.served.filter((name) => this.claims.some((claim) => claim.holder === name));
    this.waiting = this.waiting.filter((one) => one.until >= now);
    if (this.claims.some((claim) => claim.holder === holder && claim.sequence >= sequence))
      return { granted: 0, inUse: this.ofAll(of), othersWait: true };
    this.claims = this.claims.filter((claim) => claim.holder !== holder);
    this.permits = this.permits.filter((permit) => permit.holder !== holder);
    this.waiting = this.waiting.filter((one) => one.holder !== holder);
    const until = now + this.leaseMs;
    for (let index = 0; index < held; index++) this.permits.push({ of, holder, until });
    const othersWait = this.waiting.some((one) => one.of === of);
    // Everybody who asks stands in one room, and gets one permit after the other.
    const room = [...this.waiting.filter((one) => one.of === of).map((one) => one.holder), ...Array<string>(wanted).fill(holder)];
    const given: string[] = [];
    const has = (name: string): number =>
      this.permits.filter((permit) => permit.of === of && permit.holder === name).length + given.filter((one) => one === name).length;
    while (room.length > 0 && this.ofAll(of) + given.length < limit) {
      const order = room.toSorted((a, b) => has(a) - has(b) || this.served.lastIndexOf(a) - this.served.lastIndexOf(b) || (a < b ? -1 : 1));
      room.splice(room.indexOf(order[0]!), 1);
      given.push(order[0]!);
    }
    const granted = given.filter((one) => one === holder).length;
    for (let index = 0; index < granted; index++) this.permits.push({ of, holder, until });
    if (granted > 0) this.served.push(holder);
    const stays = Math.min(staying, wanted - granted);
    for (let index = 0; index < stays; index++) this.waiting.push({ of, holder, until: Math.min(until, now + 3 * PROPAGATION_MS) });
    if (held + granted + stays > 0) this.claims.push({ holder, sequence, until });
    else this.served = this.served.filter((one) => one !== holder);
    for (const name of new Set(given)) if (name !== holder) for (const tell of this.listeners) tell(name);
    return { granted, inUse: this.ofAll(of), othersWait };
  }

  private ofAll(of: string): number {
    return this.permits.filter((permit) => permit.of === of).length;
  }
}
