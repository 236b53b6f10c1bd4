const NONE = -1;

/** How many idle keys are compared when one must go. */
const COMPARED_KEYS = 8;

/** Which ring a slot is in, and so how early its key is forgotten. */
const IDLE = 0;
const EXHAUSTED = 1;
const HELD = 2;
type RingIndex = typeof IDLE | typeof EXHAUSTED | typeof HELD;

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

/** How much is left to a key, by slot, as of the moment of an eviction: nothing (0) is forgotten late, more sooner. */
export type LeftOf = (slot: number) => number;

/** How many keys there is room for from the first one on. */
const FEWEST = 8;

/** Of a table without keys: most policies have no `key`, and most tables never one. */
const NO_SLOTS = new Int32Array(0);
const NO_RINGS = new Uint8Array(0);
const NO_KEYS = new Map<string, number>();
const UNUSED = [new UseOrder(), new UseOrder(), new UseOrder()] as const;

/**
 * Gives each key a slot number, at most `capacity` of them; whoever owns the table keeps its data by slot. When it is
 * full, the newcomer gets the slot of one of the least recently used keys: of a few of them the one with the most left. Keys
 * with nothing left are met late, so that a flood of new keys does not buy an exhausted one a fresh start, and those that are
 * held (an open circuit, a permit in use) only when there is no other. Every operation is O(1), an eviction amortised.
 */
export class KeyTable {
  private slots = NO_KEYS;
  private readonly keys: (string | undefined)[] = [];
  private older = NO_SLOTS;
  private newer = NO_SLOTS;
  private ringOf = NO_RINGS;
  private rings: readonly [UseOrder, UseOrder, UseOrder] = UNUSED;

  /**
   * @param evicted Told when a key has been taken out and before its slot is given to another one. Must run no code of the
   * user's: the newcomer has no slot yet.
   * @param judge Where keys can be exhausted: what tells how much is left to each, as of now.
   */
  constructor(
    readonly capacity: number,
    private readonly evicted: (slot: number, key: string) => void,
    private readonly judge?: () => LeftOf,
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
      const to = this.ringOf[known] === HELD ? HELD : IDLE;
      if (this.ringOf[known] !== to || !this.rings[to].isNewest(known)) this.move(known, to);
      return known;
    }
    if (this.slots === NO_KEYS) this.begin();
    const slot = this.slots.size < this.capacity ? this.grow() : this.evict();
    this.slots.set(key, slot);
    this.keys[slot] = key;
    this.ringOf[slot] = IDLE;
    this.rings[IDLE].append(slot, this.older, this.newer);
    isNew(slot);
    return slot;
  }

  /** Marks a slot to be evicted last, or takes the mark off. Does nothing for a slot whose key was just taken out. */
  hold(slot: number, held: boolean): void {
    if (this.keys[slot] === undefined || (this.ringOf[slot] === HELD) === held) return;
    this.move(slot, held ? HELD : IDLE);
  }

  /** The slots that are held, least recently used first. */
  *heldSlots(): Generator<number> {
    for (let slot = this.rings[HELD].oldest; slot !== NONE; slot = this.newer[slot]!) yield slot;
  }

  /** To the new end of a ring. */
  private move(slot: number, to: RingIndex): void {
    this.rings[this.ringOf[slot] as RingIndex].remove(slot, this.older, this.newer);
    this.rings[to].append(slot, this.older, this.newer);
    this.ringOf[slot] = to;
  }

  /** The first key has come. */
  private begin(): void {
    this.slots = new Map<string, number>();
    this.rings = [new UseOrder(), new UseOrder(), new UseOrder()];
  }

  private grow(): number {
    const slot = this.keys.length;
    if (slot >= this.older.length) {
      const size = Math.min(this.capacity, Math.max(FEWEST, this.older.length * 2));
      this.older = enlarge(this.older, new Int32Array(size));
      this.newer = enlarge(this.newer, new Int32Array(size));
      this.ringOf = enlarge(this.ringOf, new Uint8Array(size));
    }
    return slot;
  }

  private evict(): number {
    const slot = this.evictionCandidate();
    const key = this.keys[slot]!;
    this.rings[this.ringOf[slot] as RingIndex].remove(slot, this.older, this.newer);
    this.slots.delete(key);
    this.keys[slot] = undefined;
    this.evicted(slot, key);
    return slot;
  }

  private evictionCandidate(): number {
    const [idle, exhausted, held] = this.rings;
    if (this.judge === undefined) return idle.oldest === NONE ? held.oldest : idle.oldest;
    const leftOf = this.judge();
    const best = this.mostLeft(leftOf);
    const spared = exhausted.oldest;
    // An exhausted key has its permits back after a while, and then it is the one that was not used for longest.
    if (spared !== NONE && (best === NONE || leftOf(spared) >= leftOf(best))) return spared;
    return best === NONE ? held.oldest : best;
  }

  /** Of the keys that were not used for longest the one with the most left. Those with nothing left are put aside. */
  private mostLeft(leftOf: LeftOf): number {
    let [best, most] = [NONE, 0];
    for (let slot = this.rings[IDLE].oldest, compared = 0; slot !== NONE && compared < COMPARED_KEYS;) {
      const next = this.newer[slot]!;
      const left = leftOf(slot);
      if (left <= 0) this.move(slot, EXHAUSTED);
      else {
        compared++;
        if (left > most) [best, most] = [slot, left];
      }
      slot = next;
    }
    return best;
  }
}

function enlarge<Data extends Int32Array | Uint8Array>(from: Data, into: Data): Data {
  into.set(from);
  return into;
}
