import { atOrAfter, countingUnits, HALF_UNIT, type Units } from '../../policies/rate-limit/counting/units.js';
import type { SharedLimit } from '../../policies/rate-limit/shared/limit-store.js';
import type { SharedCount } from './shared-count.js';

/** A fixed window; one that begins in the future has a line before it. */
export class FixedWindowCount implements SharedCount {
  units!: Units;
  readonly lineLength = 0;
  private now = 0;
  private full = 0;
  private perMs = 0;
  private start = 0;
  private used = 0;

  turnTo({ limit, perMs }: SharedLimit, now: number): boolean {
    const isBehind = now < this.now;
    const units = countingUnits(limit, 1);
    if ((this.units as Units | undefined) !== undefined) this.used = Math.round((this.used / this.units.permit) * units.permit);
    this.units = units;
    [this.full, this.perMs] = [limit * units.permit, perMs];
    if (now < this.now) this.start -= this.now - now;
    this.now = now;
    if (this.used === 0 || now >= this.start + perMs) [this.start, this.used] = [now, 0];
    return isBehind;
  }

  availableIn(price: number): number {
    if (this.used + price <= this.full) return Math.max(0, this.start - this.now);
    return this.start + this.perMs - this.now;
  }

  take(price: number): number {
    if (this.used + price <= this.full) this.used += price;
    else [this.start, this.used] = [this.start + this.perMs, price];
    return this.start;
  }

  giveBack(price: number, window: number): void {
    if (window === this.start) this.used = Math.max(0, this.used - price);
  }

  charge(price: number): void {
    if (this.start <= this.now) this.used = Math.max(this.used, Math.min(this.full, this.used + price));
  }

  get stamp(): number {
    return this.start;
  }

  get windowEndsInMs(): number {
    return this.start + this.perMs - this.now;
  }

  get remaining(): number {
    return this.start > this.now ? 0 : Math.max(0, Math.floor((this.full - this.used) / this.units.permit));
  }

  get resetAfterMs(): number {
    return this.used === 0 ? 0 : this.start + this.perMs - this.now;
  }
}

/** A sliding window as a counter of two; where the current one is still to come there is a line. */
export class SlidingWindowCount implements SharedCount {
  units!: Units;
  readonly lineLength = 0;
  private now = 0;
  private full = 0;
  private perMs = 0;
  private window = 0;
  private current = 0;
  private previous = 0;

  turnTo({ limit, perMs }: SharedLimit, now: number): boolean {
    const isBehind = now < this.now;
    const units = countingUnits(limit, perMs);
    const before = this.units as Units | undefined;
    if (before !== undefined) {
      if (before.permit !== units.permit)
        [this.current, this.previous] = [this.current, this.previous].map((used) => Math.round((used / before.permit) * units.permit)) as [
          number,
          number,
        ];
      if (this.perMs !== perMs) this.relength(perMs, now);
    }
    this.units = units;
    [this.full, this.perMs] = [limit * units.permit, perMs];
    if (now < this.now) this.window -= this.windowAt(this.now) - this.windowAt(now);
    this.now = now;
    const here = this.windowAt(now);
    if (here > this.window || (this.current === 0 && this.previous === 0)) this.enter(here);
    return isBehind;
  }

  availableIn(price: number): number {
    return this.availableAt(price) - this.now;
  }

  take(price: number): number {
    const window = this.windowAt(this.availableAt(price));
    if (window > this.window) this.enter(window);
    this.current += price;
    return this.window;
  }

  giveBack(price: number, window: number): void {
    if (window === this.window) this.current = Math.max(0, this.current - price);
    else if (window === this.window - 1) this.previous = Math.max(0, this.previous - price);
  }

  charge(price: number): void {
    if (!this.isAhead) this.current = Math.max(this.current, Math.min(this.full, this.current + price));
  }

  get stamp(): number {
    return this.window;
  }

  get windowEndsInMs(): number {
    return (this.window + 1) * this.perMs - this.now;
  }

  get remaining(): number {
    if (this.isAhead) return 0;
    const used = this.current * this.perMs + this.weighed(this.previous, this.window, this.now);
    return Math.max(0, Math.floor((this.full * this.perMs - used + HALF_UNIT) / (this.units.permit * this.perMs)));
  }

  get resetAfterMs(): number {
    if (this.current === 0 && this.previous === 0) return 0;
    return (this.window + (this.current === 0 ? 1 : 2)) * this.perMs - this.now;
  }

  private get isAhead(): boolean {
    return this.window * this.perMs > this.now;
  }

  private weighed(previous: number, window: number, time: number): number {
    return previous * ((window + 1) * this.perMs - time);
  }

  private availableAt(price: number): number {
    const { window, current, previous, full, perMs } = this;
    const from = Math.max(this.now, window * perMs);
    if (this.fits(from, price)) return from;
    const roomAt = (number: number, before: number, room: number): number =>
      before <= room ? number * perMs : (number + 1 - room / before) * perMs;
    const room = full - current - price;
    const time = room >= 0 ? roomAt(window, previous, room) : roomAt(window + 1, current, full - price);
    return atOrAfter(Math.max(from, time), (later) => this.fits(later, price));
  }

  private fits(time: number, price: number): boolean {
    const window = this.windowAt(time);
    const [current, previous] = window <= this.window ? [this.current, this.previous] : [0, window === this.window + 1 ? this.current : 0];
    return this.weighed(previous, Math.max(window, this.window), time) + (current + price - this.full) * this.perMs <= HALF_UNIT;
  }

  private enter(window: number): void {
    if (window === this.window) return;
    [this.previous, this.current] = [window === this.window + 1 ? this.current : 0, 0];
    this.window = window;
  }

  /** Windows are longer or shorter from now on: what counts now is put into the one that runs. */
  private relength(perMs: number, now: number): void {
    const old = Math.floor(now / this.perMs);
    const current = this.window === old ? this.current : 0;
    const previous = this.window === old ? this.previous : this.window === old - 1 ? this.current : 0;
    this.current = Math.ceil(current + previous * (old + 1 - now / this.perMs));
    this.previous = 0;
    this.perMs = perMs;
    this.window = this.windowAt(now);
  }

  private windowAt(time: number): number {
    const window = Math.floor(time / this.perMs);
    if ((window + 1) * this.perMs <= time) return window + 1;
    return window * this.perMs > time ? window - 1 : window;
  }
}
