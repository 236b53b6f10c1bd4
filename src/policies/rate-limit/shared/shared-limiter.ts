import type { Environment } from '../../../engine/environment.js';
import type { RateLimitRejection, RateLimitReason } from '../rate-limit.error.js';
import type { RateLimitEvents } from '../rate-limit.telemetry.js';
import type { RateLimiterSettings } from '../rate-limiter.js';
import type { PermitTurn } from './permit-turn.js';
import type { StandIn } from './stand-in.js';
import type { Standings } from './standings.js';
import type { StoreCalls } from './store-calls.js';

/** A shared limiter, as those that get its permits see it. */
export interface SharedLimiter {
  readonly environment: Environment;
  readonly settings: RateLimiterSettings;
  readonly capacity: number;
  readonly isPaced: boolean;
  readonly events: RateLimitEvents;
  readonly standings: Standings;
  readonly standIn: StandIn;
  readonly calls: StoreCalls;
  allowed: number;
  reject(
    reason: RateLimitReason,
    asking: { readonly operationId?: string | undefined },
    key: string | undefined,
    cost: number,
    retryAfterMs: number | undefined,
  ): RateLimitRejection;
  /** The store could not be asked for somebody. */
  decideAlone(turn: PermitTurn): void;
}
