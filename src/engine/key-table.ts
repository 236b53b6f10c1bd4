const NONE = -1;

/** A ring of slots in the order of their use, in typed arrays so that a key costs eight bytes and no object. */
class UseOrder {
  oldest = NONE;
  private newest = NONE;

  append(slot: number, older: Int32Array, newer: Int32Array): void {
    older[slot] = this.newest;
    newer[slot] = NONE;
    if (this.newest === NONE) this.oldest = slot;
    else newer[this.newest] = slot;
    this.newest = slot;
  }

  remove(slot: number, older: Int32Array, newer: Int32Array): void {
    const before = older[slot]!;
    const after = newer[slot]!;
    if (before === NONE) this.oldest = after;
    else newer[before] = after;
    if (after === NONE) this.newest = before;
    else older[after] = before;
  }

  isNewest(slot: number): boolean {
    return this.newest === slot;
  }
}

/**
 * Gives each key a slot number, at most `capacity` of them; whoever owns the table keeps its data by slot. When it is
 * full, the slot of the least recently used key goes to the newcomer, and those that are held (an open circuit, a place
 * in use) only when there is no other. Every operation is O(1).
 */
export class KeyTable {
  private readonly slots = new Map<string, number>();
  private readonly keys: (string | undefined)[] = [];
  private older = new Int32Array(8);
  private newer = new Int32Array(8);
  private held = new Uint8Array(8);
  private readonly idle = new UseOrder();
  private readonly inUse = new UseOrder();

  /** @param evicted Told before the slot of a key is given to another one. */
  constructor(
    readonly capacity: number,
    private readonly evicted: (slot: number) => void,
  ) {}

  get size(): number {
    return this.slots.size;
  }

  /** The slot of a key that is known, without counting as a use. */
  find(key: string): number | undefined {
    return this.slots.get(key);
  }

  keyOf(slot: number): string | undefined {
    return this.keys[slot];
  }

  /** The slot of a key; `isNew` hears of one that was not known. */
  use(key: string, isNew: (slot: number) => void): number {
    const known = this.slots.get(key);
    if (known !== undefined) {
      const order = this.held[known] === 1 ? this.inUse : this.idle;
      if (!order.isNewest(known)) {
        order.remove(known, this.older, this.newer);
        order.append(known, this.older, this.newer);
      }
      return known;
    }
    const slot = this.slots.size < this.capacity ? this.grow() : this.evict();
    this.slots.set(key, slot);
    this.keys[slot] = key;
    this.held[slot] = 0;
    this.idle.append(slot, this.older, this.newer);
    isNew(slot);
    return slot;
  }

  /** Marks a slot to be evicted last, or takes the mark off. */
  hold(slot: number, held: boolean): void {
    if ((this.held[slot] === 1) === held) return;
    (held ? this.idle : this.inUse).remove(slot, this.older, this.newer);
    (held ? this.inUse : this.idle).append(slot, this.older, this.newer);
    this.held[slot] = held ? 1 : 0;
  }

  /** The slots that are held, least recently used first. */
  *heldSlots(): Generator<number> {
    for (let slot = this.inUse.oldest; slot !== NONE; slot = this.newer[slot]!) yield slot;
  }

  private grow(): number {
    const slot = this.keys.length;
    if (slot >= this.older.length) {
      const size = Math.min(this.capacity, this.older.length * 2);
      this.older = enlarge(this.older, new Int32Array(size));
      this.newer = enlarge(this.newer, new Int32Array(size));
      this.held = enlarge(this.held, new Uint8Array(size));
    }
    return slot;
  }

  private evict(): number {
    const order = this.idle.oldest === NONE ? this.inUse : this.idle;
    const slot = order.oldest;
    this.evicted(slot);
    order.remove(slot, this.older, this.newer);
    this.slots.delete(this.keys[slot]!);
    return slot;
  }
}

function enlarge<Data extends Int32Array | Uint8Array>(from: Data, into: Data): Data {
  into.set(from);
  return into;
}
