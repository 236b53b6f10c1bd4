import type { PermitRequest } from '../../engine/contract/admission.js';
import type { Environment } from '../../engine/environment.js';
import { keyText } from '../../engine/state/key-text.js';
import { INSPECT, type Inspect } from '../../engine/telemetry/inspect.js';
import { limitWait, waitTurn, type Waiter } from '../../engine/waiting/waiter.js';
import type { DataOf, Key } from '../../options/index.js';
import { checkCost } from './cost.js';
import { FrequentKeys } from './frequent-keys.js';
import { RateLimitRejection, type RateLimitReason } from './rate-limit.error.js';
import type { rateLimitRules } from './rate-limit.policy.js';
import { RateLimitEvents, type Requester } from './rate-limit.telemetry.js';
import { limitsOf, type Limits } from './rejection-message.js';

/**
 * What a limiter is; `maxWait` and `maxQueue` are Infinity where they bound nothing, and `onStoreFailure` is undefined where the store
 * says it.
 */
export type RateLimiterSettings = Required<Omit<RateLimitData, 'onStoreFailure'>> & Pick<RateLimitData, 'onStoreFailure'>;

type RateLimitData = DataOf<typeof rateLimitRules>;

/** What is left of a limit. */
export interface RateLimitStatus {
  /** Permits that could be taken now. */
  readonly remaining: number;
  /** Milliseconds until all permits are back. */
  readonly resetAfterMs: number;
}

/** Which limit, and how much of it. */
export interface RateLimitRequest {
  readonly key?: Key;
  /** @default 1 */
  readonly cost?: number;
}

/** A named rate limiter, with one limit for each key and a common one. */
export abstract class RateLimiter {
  /** Disabled where an operator has switched it off: it lets everything pass. */
  state: 'enabled' | 'disabled' = 'enabled';
  /** Requests that got their permits and that were rejected, all keys together. */
  allowed = 0;
  rejections = 0;
  /** @internal The keys that are rejected most. */
  readonly rejectedKeys = new FrequentKeys();
  /** @internal */
  readonly events: RateLimitEvents;
  /** What its rejections tell of it. */
  private limits: Limits;

  /** @internal */
  constructor(
    readonly name: string,
    /** @internal */
    public settings: RateLimiterSettings,
    /** @internal */
    readonly environment: Environment,
  ) {
    this.events = new RateLimitEvents(environment.events, name);
    this.limits = limitsOf(name, this.capacity, settings);
  }

  /** What can be seen of it now; the limit is that of the common key. `JSON.stringify` and `console.log` show this. */
  toJSON(): object {
    const { name, state, allowed, rejections, waiting, keyCount } = this;
    return { name, state, ...this.peek(), allowed, rejections, waiting, keyCount };
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    return `RateLimiter ${inspect(this.toJSON(), options)}`;
  }

  /** How many keys are known. */
  abstract get keyCount(): number;

  /** How many wait for a permit, all keys together. */
  abstract get waiting(): number;

  /**
   * Takes a permit if there is one now; a request without one counts as rejected. A limiter that is `shared` exactly cannot know at
   * once: use `acquire()` there. One that is `'leased'` takes from the batch that it has, and fetches one where it has none.
   * @throws TypeError for a cost that is not a number >= 0, or a key that has no text; Error where it is shared exactly.
   */
  abstract tryAcquire(request?: RateLimitRequest): boolean;

  /**
   * Takes a permit, after waiting for up to `maxWait`.
   * @throws RateLimitExceededError where there is none in time; the reason of `signal` where the caller aborts; TypeError for a
   * cost that is not a number >= 0, or a key that has no text.
   */
  async acquire({ signal, ...request }: RateLimitRequest & { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    const { key, cost } = this.read(request);
    if (this.state === 'disabled') return;
    const { clock, deadlines } = this.environment;
    const admission = this.admit(key, cost, clock);
    if (admission instanceof RateLimitRejection) throw admission.error;
    if (admission === undefined) return;
    await waitTurn(admission, limitWait(admission, deadlines, clock.now()), signal, () => this.giveBack(key, cost, admission));
  }

  /** What is left, without using any of it up; where it is shared, what the store has said last. */
  abstract peek(key?: Key): RateLimitStatus;

  /** @internal Some of the keys, in the order in which they came first. */
  abstract someKeys(offset: number, limit: number): readonly string[];

  /**
   * @internal Another rate from now on. What is used up stays used up, who waits moves up or back, and who waits for
   * more than there is now is rejected.
   */
  reconfigure(settings: RateLimiterSettings): void {
    this.settings = settings;
    this.limits = limitsOf(this.name, this.capacity, settings);
  }

  /** @internal A permit now (undefined), a turn to wait for, or the rejection. */
  abstract admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined;

  /**
   * @internal A permit that was taken a moment ago was for nothing; `turn` is what was waited for. Without one, `askedAt` says since when
   * it was asked for, where that is not now.
   */
  abstract giveBack(key: string | undefined, cost: number, turn?: Waiter, askedAt?: number): void;

  /** @internal The most that a call may cost. */
  get capacity(): number {
    const { algorithm, limit, burst } = this.settings;
    return algorithm === 'token-bucket' || algorithm === 'leaky-bucket' ? burst : limit;
  }

  /** @internal */
  countRejection(reason: RateLimitReason, requester: Requester, retryAfterMs: number | undefined): void {
    this.rejections++;
    if (requester.key !== undefined) this.rejectedKeys.count(requester.key);
    this.events.rejected(requester, reason, retryAfterMs);
  }

  /** @internal */
  reject(
    reason: RateLimitReason,
    { operationId }: { readonly operationId?: string | undefined },
    key: string | undefined,
    cost: number,
    retryAfterMs: number | undefined,
  ): RateLimitRejection {
    const rejection = new RateLimitRejection(operationId, this.environment.stackTraces, retryAfterMs, reason, key, cost, this.limits);
    this.countRejection(reason, rejection, retryAfterMs);
    return rejection;
  }

  /** @internal What a caller by hand asks for. */
  protected read({ key, cost = 1 }: RateLimitRequest): { readonly key: string | undefined; readonly cost: number } {
    return { key: this.textOf(key), cost: checkCost(cost, `rate limiter "${this.name}": cost must be`) };
  }

  /** @internal */
  protected textOf(key: Key): string | undefined {
    return keyText(key, `the key for rate limiter "${this.name}"`);
  }
}
