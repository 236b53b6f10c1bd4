import { KeyTable } from '../../../engine/state/key-table.js';
import type { PermitAnswer } from './limit-store.js';

const WIDTH = 9;
const KNOWN = 0;
const REMAINING = 1;
const RESET_AT = 2;
const DENIED_UNTIL = 3;
const DENIED_COST = 4;
const RETRY_AT = 5;
const STAMP = 6;
const STAMP_CHANGED_AT = 7;
const ASK_AGAIN_AT = 8;

/** That there is nothing for a key; times are readings of the clock. */
export interface Denial {
  /** Who asks for so much or more. */
  readonly cost: number;
  /** Before this it would be in vain to ask. */
  readonly until: number;
  /** When there are permits, as far as is known. */
  readonly retryAt: number;
  /** The store is not asked about this key before. */
  readonly askAgainAt: number;
}

/** What the store has said last of each key, in numbers. */
export class Standings {
  private values = new Float64Array(WIDTH * 8);
  private readonly keys: KeyTable;

  /** @param isWindowed Whether a stamp says which of several windows it was. */
  constructor(
    private readonly maxKeys: number,
    private readonly isWindowed: boolean,
  ) {
    this.keys = new KeyTable(maxKeys, () => undefined);
  }

  get keyCount(): number {
    return this.keys.size;
  }

  /** Some of the keys, slot by slot. */
  someKeys(offset: number, limit: number): readonly string[] {
    const end = Math.min(offset + limit, this.keyCount);
    const found: string[] = [];
    for (let slot = offset; slot < end; slot++) found.push(this.keys.keyOf(slot)!);
    return found;
  }

  /** Where a key stands; undefined where the store has said nothing of it. */
  find(key: string | undefined): number | undefined {
    const at = key === undefined ? 0 : ((this.keys.find(key) ?? -1) + 1) * WIDTH;
    return (at === 0 && key !== undefined) || this.values[at + KNOWN] === 0 ? undefined : at;
  }

  /** The store has answered. Gives where the key stands. */
  note(key: string | undefined, { remaining, resetAfterMs, stamp }: PermitAnswer, now: number): number {
    const at = key === undefined ? 0 : (this.keys.use(key, this.reset) + 1) * WIDTH;
    const { values } = this;
    const isKnown = values[at + KNOWN] === 1;
    values[at + KNOWN] = 1;
    values[at + REMAINING] = remaining;
    values[at + RESET_AT] = now + resetAfterMs;
    if (!isKnown) values[at + STAMP_CHANGED_AT] = -Infinity;
    else if (stamp !== values[at + STAMP]) values[at + STAMP_CHANGED_AT] = now;
    values[at + STAMP] = stamp;
    return at;
  }

  /** Who asks for so much or more gets nothing for a while. */
  deny(at: number, denial: Denial, now: number): void {
    const { values } = this;
    values[at + ASK_AGAIN_AT] = denial.askAgainAt;
    if (values[at + DENIED_UNTIL]! > now && values[at + DENIED_COST]! < denial.cost) return;
    values[at + DENIED_UNTIL] = denial.until;
    values[at + DENIED_COST] = denial.cost;
    values[at + RETRY_AT] = denial.retryAt;
  }

  /** Permits have come back sooner than was said. */
  allow(key: string | undefined): void {
    const at = this.find(key);
    if (at !== undefined) this.values[at + DENIED_UNTIL] = 0;
  }

  /** All that was denied may be had now. */
  forgetDenials(): void {
    for (let at = 0; at < this.values.length; at += WIDTH) this.values[at + DENIED_UNTIL] = this.values[at + ASK_AGAIN_AT] = 0;
  }

  /** The store was asked for a key that is over its limit: it is not asked again before this. */
  askAgainAt(at: number): number {
    return this.values[at + ASK_AGAIN_AT]!;
  }

  /** When there are permits again, where it is known that so much cannot be had now. */
  deniedUntil(at: number, cost: number, now: number): number | undefined {
    const { values } = this;
    if (now >= values[at + DENIED_UNTIL]! || cost < values[at + DENIED_COST]!) return undefined;
    return Math.max(values[at + RETRY_AT]!, values[at + DENIED_UNTIL]!);
  }

  remaining(at: number): number {
    return this.values[at + REMAINING]!;
  }

  resetAt(at: number): number {
    return this.values[at + RESET_AT]!;
  }

  /** In which window permits were counted that were asked for since then; undefined where it may have been one of two. */
  stampSince(at: number, askedAt: number): number | undefined {
    return this.isWindowed && this.values[at + STAMP_CHANGED_AT]! >= askedAt ? undefined : this.values[at + STAMP]!;
  }

  private readonly reset = (slot: number): void => {
    const from = (slot + 1) * WIDTH;
    if (from + WIDTH > this.values.length) {
      const larger = new Float64Array(Math.min(this.values.length * 2, (this.maxKeys + 1) * WIDTH));
      larger.set(this.values);
      this.values = larger;
    }
    this.values.fill(0, from, from + WIDTH);
  };
}
