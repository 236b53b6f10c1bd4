import type { Call } from '../../engine/call/call.js';
import { keyText } from '../../engine/state/key-text.js';
import type { Admission } from '../../engine/contract/admission.js';
import type { Strategy } from '../../engine/contract/strategy.js';
import { checkCost } from './cost.js';
import type { ResolvedRateLimit } from './rate-limit.policy.js';
import type { RateLimiter } from './rate-limiter.js';

/** What belongs to one use of a limiter and not to the limiter. */
type RateLimitUse = Pick<ResolvedRateLimit, 'key' | 'cost'>;

/** Asks a limiter for each attempt. How the attempt ends is nothing to it. */
export class RateLimitStrategy implements Strategy {
  readonly kind = 'rateLimit';
  readonly name: string;
  readonly waitDescription: string;

  constructor(
    readonly limiter: RateLimiter,
    private readonly use: RateLimitUse,
  ) {
    this.name = limiter.name;
    this.waitDescription = `the line for a permit of rate limit "${limiter.name}"`;
  }

  readonly admit: (call: Call, layer: number) => Admission = (call) => this.limiter.admit(this.keyOf(call), this.costOf(call), call);

  rolledBack(call: Call, _layer: number): void {
    this.limiter.giveBack(this.keyOf(call), this.costOf(call));
  }

  protected keyOf(call: Call): string | undefined {
    const { key } = this.use;
    return key === undefined ? undefined : keyText(key(...call.args), 'the key function of @RateLimit', call.operationId);
  }

  protected costOf(call: Call): number {
    const { cost } = this.use;
    return typeof cost === 'number' ? cost : checkCost(cost(...call.args), `${call.operationId}: @RateLimit cost must give`);
  }
}
