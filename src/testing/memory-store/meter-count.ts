import { atOrAfter, HALF_UNIT, refillUnits, type Units } from '../../policies/rate-limit/counting/units.js';
import type { SharedLimit } from '../../policies/rate-limit/shared/limit-store.js';
import type { SharedCount } from './shared-count.js';

/** A token bucket or a leaky bucket: what is lent, its line included. */
export class MeterCount implements SharedCount {
  units!: Units;
  private now = 0;
  private lent = 0;
  private full = 0;
  private isPaced = false;
  /** What was given back from within the line: those behind keep their times, so a bucket can be fuller than it looks. */
  private gaps = 0;

  turnTo(limit: SharedLimit, now: number): boolean {
    const isBehind = now < this.now;
    const units = refillUnits(limit, limit.burst);
    if ((this.units as Units | undefined) !== undefined && this.units.permit !== units.permit) {
      this.lent = Math.round((this.lent / this.units.permit) * units.permit);
      this.gaps = Math.round((this.gaps / this.units.permit) * units.permit);
    }
    this.units = units;
    this.full = limit.burst * units.permit;
    this.isPaced = limit.algorithm === 'leaky-bucket';
    const left = this.lent - Math.max(0, now - this.now) * units.perMs;
    this.lent = left > HALF_UNIT ? left : 0;
    this.now = now;
    if (this.line <= HALF_UNIT) this.gaps = 0;
    return isBehind;
  }

  availableIn(price: number): number {
    const tooMuch = this.isPaced ? this.lent : this.lent + price - this.full;
    if (tooMuch <= HALF_UNIT) return 0;
    const { perMs } = this.units;
    return atOrAfter(this.now + tooMuch / perMs, (time) => tooMuch - (time - this.now) * perMs <= HALF_UNIT) - this.now;
  }

  take(price: number): number {
    const place = this.now + this.availableIn(price);
    this.lent += price;
    return place;
  }

  giveBack(price: number, place: number): void {
    const { line } = this;
    const { perMs } = this.units;
    const isLast = (place - this.now) * perMs + (this.isPaced ? price : 0) >= line - HALF_UNIT - perMs / 1000;
    if (line > HALF_UNIT && !isLast) {
      if (this.isPaced || this.gaps + price > this.full) return;
      this.gaps += price;
    }
    this.lent = Math.max(0, this.lent - price);
  }

  charge(price: number): void {
    this.lent = Math.max(this.lent, Math.min(this.full, this.lent + price));
  }

  get lineLength(): number {
    return Math.ceil(this.lent / this.units.permit) - 1;
  }

  get stamp(): number {
    return this.now;
  }

  get windowEndsInMs(): number {
    return 0;
  }

  get remaining(): number {
    if (this.isPaced) return this.lent <= HALF_UNIT ? 1 : 0;
    return Math.max(0, Math.floor((this.full - this.lent + HALF_UNIT) / this.units.permit));
  }

  get resetAfterMs(): number {
    return this.lent / this.units.perMs;
  }

  private get line(): number {
    return Math.max(0, this.lent - (this.isPaced ? 0 : this.full));
  }
}
