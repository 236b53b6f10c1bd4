import type { Call } from '../../engine/call.js';
import type { Admission, Strategy } from '../../engine/strategy.js';
import { show } from '../../options/index.js';
import type { RateLimiter } from './rate-limiter.js';

/** What belongs to one use of a limiter and not to the limiter. */
export interface RateLimitUse {
  readonly key?: (...args: readonly unknown[]) => string | null | undefined;
  readonly cost: number | ((...args: readonly unknown[]) => number);
}

/** Asks a limiter for each attempt. How the attempt ends is nothing to it. */
export class RateLimitStrategy implements Strategy {
  readonly kind = 'rateLimit';
  readonly name: string;
  readonly waitingPlace: string;

  constructor(
    readonly limiter: RateLimiter,
    private readonly use: RateLimitUse,
  ) {
    this.name = limiter.name;
    this.waitingPlace = `the line for a permit of rate limit "${limiter.name}"`;
  }

  readonly admit = (call: Call): Admission => {
    const { key, cost } = this.use;
    return this.limiter.admit(
      key === undefined ? undefined : key(...call.args),
      typeof cost === 'number' ? cost : this.costOf(cost, call),
      call,
    );
  };

  withdrawn(call: Call): void {
    const { key, cost } = this.use;
    this.limiter.giveBack(key?.(...call.args), typeof cost === 'number' ? cost : this.costOf(cost, call));
  }

  private costOf(cost: (...args: readonly unknown[]) => number, call: Call): number {
    const value = cost(...call.args);
    if (typeof value === 'number' && value >= 0) return value;
    throw new TypeError(`${call.operationId}: @RateLimit cost must give a number >= 0, got ${show(value)}`);
  }
}
