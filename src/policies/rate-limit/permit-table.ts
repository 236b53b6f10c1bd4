import type { Clock } from '../../engine/clock.js';
import { KeyTable } from '../../engine/state/key-table.js';
import type { Algorithm } from './counting/algorithm.js';
import type { Rate } from './counting/units.js';

/** The slot of the common, unkeyed limit. */
export const COMMON = 0;

/** How many slots there is room for from the first key on. */
const FEWEST = 8;

/**
 * The state of all keys of a limiter in one array of numbers: sixteen or twenty-four bytes a key beside its entry in the
 * map, no object and no timer.
 */
export class PermitTable {
  state: Float64Array;
  private readonly keys: KeyTable;

  constructor(
    /** The way of counting. */
    public algorithm: Algorithm,
    private readonly maxKeys: number,
    evicted: (slot: number, key: string) => void,
    clock: Clock,
  ) {
    this.state = new Float64Array(algorithm.width);
    this.keys = new KeyTable(
      maxKeys,
      (keySlot, key) => evicted(keySlot + 1, key),
      () => {
        const now = clock.now();
        return (keySlot) => this.algorithm.remaining(this.state, this.at(keySlot + 1), now);
      },
    );
  }

  /** Another way of counting from now on: what is used up stays used up. */
  countBy(algorithm: Algorithm, before: Rate, now: number): void {
    algorithm.rescale(this.state, before, now);
    this.algorithm = algorithm;
  }

  get keyCount(): number {
    return this.keys.size;
  }

  /** Some of the keys, slot by slot. */
  someKeys(offset: number, limit: number): readonly string[] {
    const end = Math.min(offset + limit, this.keyCount);
    const found: string[] = [];
    for (let keySlot = offset; keySlot < end; keySlot++) found.push(this.keys.keyOf(keySlot)!);
    return found;
  }

  /** Where the state of a slot begins. */
  at(slot: number): number {
    return slot * this.algorithm.width;
  }

  keyOf(slot: number): string | undefined {
    return slot === COMMON ? undefined : this.keys.keyOf(slot - 1);
  }

  /** The slot of a key, as a use of it. */
  use(key: string | undefined): number {
    if (key === undefined) return COMMON;
    return this.keys.use(key, this.reset) + 1;
  }

  /** The slot of a key that is known, without counting as a use. */
  find(key: string | undefined): number | undefined {
    if (key === undefined) return COMMON;
    const slot = this.keys.find(key);
    return slot === undefined ? undefined : slot + 1;
  }

  /** Marks a key that somebody waits for, so that it is forgotten last. */
  hold(slot: number, held: boolean): void {
    if (slot !== COMMON) this.keys.hold(slot - 1, held);
  }

  /** A slot begins anew, for a key that is not known yet. */
  private readonly reset = (keySlot: number): void => {
    const from = this.at(keySlot + 1);
    const end = from + this.algorithm.width;
    if (end > this.state.length) {
      const larger = new Float64Array(Math.min(Math.max(this.state.length * 2, this.at(FEWEST)), this.at(this.maxKeys + 1)));
      larger.set(this.state);
      this.state = larger;
    }
    this.state.fill(0, from, end);
  };
}
