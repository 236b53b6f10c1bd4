import { KeyTable } from '../../engine/key-table.js';
import type { Algorithm } from './algorithms.js';

/** The slot of the common, unkeyed limit. */
export const COMMON = 0;

/**
 * The state of all keys of a limiter in one array of numbers: eight to twenty-four bytes a key beside its entry in the
 * map, no object and no timer.
 */
export class PermitTable {
  state: Float64Array;
  private readonly keys: KeyTable;

  constructor(
    private readonly algorithm: Algorithm,
    maxKeys: number,
    evicted: (slot: number) => void,
  ) {
    this.state = new Float64Array(algorithm.width * 8);
    this.keys = new KeyTable(maxKeys, (keySlot) => evicted(keySlot + 1));
  }

  get keyCount(): number {
    return this.keys.size;
  }

  /** Where the state of a slot begins. */
  at(slot: number): number {
    return slot * this.algorithm.width;
  }

  /** The slot of a key, as a use of it. */
  use(key: string | null | undefined): number {
    if (key === undefined || key === null) return COMMON;
    return this.keys.use(key, this.reset) + 1;
  }

  /** The slot of a key that is known, without counting as a use. */
  find(key: string | null | undefined): number | undefined {
    if (key === undefined || key === null) return COMMON;
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
      const larger = new Float64Array(this.state.length * 2);
      larger.set(this.state);
      this.state = larger;
    }
    this.state.fill(0, from, end);
  };
}
