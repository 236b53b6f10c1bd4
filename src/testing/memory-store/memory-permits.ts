import { WAITING_TURNS, type PermitClaim, type PermitGrant, type PermitStore } from '../../policies/bulkhead/shared/permit-store.js';

/** What is known of one holder. */
interface Holder {
  readonly name: string;
  sequence: number;
  held: number;
  /** How many wait there. */
  waiting: number;
  renewedAt: number;
  /** The greater, the later it got a permit. */
  servedLast: number;
}

/** The settings of a store that permits go by, in milliseconds. */
export interface PermitTimes {
  readonly leaseMs: number;
  readonly propagationMs: number;
}

/** The permits of bulkheads that several applications of one process share. */
export class MemoryPermits {
  private readonly counted = new Map<string, Map<string, Holder>>();
  private readonly listeners = new Set<(holder: string) => void>();
  private served = 0;

  /** The permits as one application sees them. */
  for(times: PermitTimes, now: () => number): PermitStore {
    return {
      exchange: (claims) => Promise.resolve(claims.map((claim) => this.decide(claim, times, now()))),
      onFreed: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
    };
  }

  private decide(claim: PermitClaim, { leaseMs, propagationMs }: PermitTimes, now: number): PermitGrant {
    const id = JSON.stringify([claim.name, claim.key]);
    const holders = this.counted.get(id) ?? new Map<string, Holder>();
    for (const { name, renewedAt } of holders.values()) if (now - renewedAt > leaseMs) holders.delete(name);
    const me = holders.get(claim.holder) ?? { name: claim.holder, sequence: 0, held: 0, waiting: 0, renewedAt: now, servedLast: 0 };
    const others = [...holders.values()].filter((holder) => holder !== me);
    const heldByOthers = others.reduce((sum, { held }) => sum + held, 0);
    if (me.sequence >= claim.sequence) return { granted: 0, inUse: heldByOthers + me.held, othersWait: true };
    const waiting = others.filter((one) => one.waiting > 0 && now - one.renewedAt <= WAITING_TURNS * propagationMs);
    Object.assign(me, { sequence: claim.sequence, held: claim.held, waiting: claim.wanted, renewedAt: now });
    const free = Math.max(0, claim.limit - heldByOthers - claim.held);
    const shares = share(free, claim.wanted > 0 ? [...waiting, me] : waiting);
    const granted = shares.get(me) ?? 0;
    me.held += granted;
    me.waiting = Math.min(claim.staying, claim.wanted - granted);
    if (granted > 0) me.servedLast = ++this.served;
    if (me.held + me.waiting > 0) holders.set(me.name, me);
    else holders.delete(me.name);
    if (holders.size > 0) this.counted.set(id, holders);
    else this.counted.delete(id);
    for (const [{ name }, permits] of shares) if (permits > 0 && name !== me.name) this.tell(name);
    return { granted, inUse: heldByOthers + me.held, othersWait: waiting.length > 0 };
  }

  private tell(holder: string): void {
    for (const listener of this.listeners) queueMicrotask(() => listener(holder));
  }
}

/** Shares out what is free, one after the other: to who has the fewest, of several such to who was served least recently. */
function share(free: number, asking: readonly Holder[]): Map<Holder, number> {
  const wanted = asking.reduce((sum, { waiting }) => sum + waiting, 0);
  if (wanted <= free) return new Map(asking.map((holder) => [holder, holder.waiting]));
  const shares = new Map<Holder, number>(asking.map((holder) => [holder, 0]));
  const rank = (a: Holder, b: Holder): number =>
    a.held + shares.get(a)! - (b.held + shares.get(b)!) || a.servedLast - b.servedLast || (a.name < b.name ? -1 : 1);
  for (let left = free; left > 0; left--) {
    const unserved = asking.filter((holder) => shares.get(holder)! < holder.waiting);
    const next = unserved.reduce((best, one) => (rank(one, best) < 0 ? one : best));
    shares.set(next, shares.get(next)! + 1);
  }
  return shares;
}
