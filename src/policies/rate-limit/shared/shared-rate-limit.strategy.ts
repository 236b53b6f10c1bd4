import type { Call } from '../../../engine/call/call.js';
import type { Admission } from '../../../engine/contract/admission.js';
import { RateLimitStrategy } from '../rate-limit.strategy.js';
import { PermitTurn } from './permit-turn.js';

/** Asks a shared limiter, and keeps what it waited for: that knows in which part of time its permits are counted. */
export class SharedRateLimitStrategy extends RateLimitStrategy {
  readonly remembers = true;

  override readonly admit = (call: Call, layer: number): Admission => {
    const admission = this.limiter.admit(this.keyOf(call), this.costOf(call), call);
    call.slots[layer] = admission;
    return admission;
  };

  override rolledBack(call: Call, layer: number): void {
    const turn = call.slots[layer];
    this.limiter.giveBack(this.keyOf(call), this.costOf(call), turn instanceof PermitTurn ? turn : undefined);
  }
}
