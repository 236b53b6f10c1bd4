import type { Environment } from '../../engine/environment.js';
import { PacedLine, type Forecast } from '../../engine/waiting/paced-line.js';
import { Waiter, waitTurn } from '../../engine/waiting/waiter.js';
import { describeDuration } from '../../options/index.js';
import { createAlgorithm, type Algorithm } from './algorithms.js';
import { FrequentKeys } from './frequent-keys.js';
import { PermitTable } from './permit-table.js';
import { RateLimitExceededError, type RateLimitReason } from './rate-limit.error.js';
import type { RateLimitAlgorithm } from './rate-limit.policy.js';
import { RateLimitEvents } from './rate-limit.telemetry.js';

/** What a limiter is; durations in milliseconds. */
export interface RateLimiterSettings {
  readonly limit: number;
  readonly per: number;
  readonly burst: number;
  readonly algorithm: RateLimitAlgorithm;
  /** Infinity where only `burst` bounds the waiting. */
  readonly maxWait: number;
  readonly maxKeys: number;
}

/** What is left of a limit. */
export interface RateLimitStatus {
  /** Permits that could be taken now. */
  readonly remaining: number;
  /** Milliseconds until all permits are back. */
  readonly resetAfterMs: number;
}

/** Which limit, and how much of it. */
export interface RateLimitRequest {
  readonly key?: string | null | undefined;
  /** @default 1 */
  readonly cost?: number;
}

/** Who asks. */
interface Asking {
  now(): number;
  readonly operationId?: string | undefined;
}

/** A named rate limiter, with one limit for each key and a common one. */
export class RateLimiter {
  /** Requests that got their permits and that were turned away, all keys together. */
  allowed = 0;
  rejections = 0;
  /** @internal The keys that are turned away most. */
  readonly refused = new FrequentKeys();
  private algorithm: Algorithm;
  private readonly table: PermitTable;
  /** Who waits, by slot; only for slots where somebody does. */
  private readonly lines = new Map<number, PacedLine>();
  private readonly events: RateLimitEvents;
  /** Why most are turned away, in words that are made once. */
  private shortage: string;

  constructor(
    readonly name: string,
    public settings: RateLimiterSettings,
    private readonly environment: Environment,
  ) {
    const { limit, per, burst, algorithm, maxKeys } = settings;
    this.algorithm = createAlgorithm(algorithm, { limit, perMs: per, burst });
    this.table = new PermitTable(this.algorithm, maxKeys, (slot) => this.dismiss(slot, 'limit'));
    this.events = new RateLimitEvents(environment.events, name);
    this.shortage = shortageOf(settings);
  }

  /** How many keys are known. */
  get keyCount(): number {
    return this.table.keyCount;
  }

  /** How many wait for a permit, all keys together. */
  get waiting(): number {
    let waiting = 0;
    for (const line of this.lines.values()) waiting += line.size;
    return waiting;
  }

  /** Takes a permit if there is one now. */
  tryAcquire({ key, cost = 1 }: RateLimitRequest = {}): boolean {
    const slot = this.table.use(key);
    return cost <= this.algorithm.capacity && !this.lines.has(slot) && this.takeNow(slot, cost, this.environment.clock.now());
  }

  /**
   * Takes a permit, after waiting for up to `maxWait`.
   * @throws RateLimitExceededError where there is none in time; the reason of `signal` where the caller aborts.
   */
  async acquire({ signal, ...request }: RateLimitRequest & { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    const admission = this.admit(request.key, request.cost ?? 1, this.environment.clock);
    if (admission instanceof Error) throw admission;
    if (admission !== undefined)
      await waitTurn(
        admission,
        () => undefined,
        signal,
        () => undefined,
      );
  }

  /** What is left, without using any of it up. */
  peek(key?: string | null): RateLimitStatus {
    const slot = this.table.find(key);
    if (slot === undefined) return { remaining: this.algorithm.capacity, resetAfterMs: 0 };
    const now = this.environment.clock.now();
    const at = this.table.at(slot);
    return {
      remaining: this.lines.has(slot) ? 0 : this.algorithm.remaining(this.table.state, at, now),
      resetAfterMs: this.algorithm.resetAfterMs(this.table.state, at, now),
    };
  }

  /** @internal Another rate from now on. What is used up stays used up, and who waits moves up or back. */
  reconfigure(settings: RateLimiterSettings): void {
    const { limit, per, burst, algorithm } = settings;
    const rate = { limit, perMs: per, burst };
    const { limit: oldLimit, per: oldPer, burst: oldBurst } = this.settings;
    this.algorithm = createAlgorithm(algorithm, rate);
    this.algorithm.adopt(this.table.state, { limit: oldLimit, perMs: oldPer, burst: oldBurst }, this.environment.clock.now());
    this.settings = settings;
    this.shortage = shortageOf(settings);
    for (const line of this.lines.values()) line.paceChanged();
  }

  /** @internal A permit now (undefined), a place in the line, or the rejection. */
  admit(key: string | null | undefined, cost: number, asking: Asking): RateLimitExceededError | Waiter | undefined {
    if (cost > this.algorithm.capacity) return this.refuse('cost', asking, key, cost, undefined);
    const slot = this.table.use(key);
    const line = this.lines.size === 0 ? undefined : this.lines.get(slot);
    const now = asking.now();
    if (line === undefined && this.takeNow(slot, cost, now)) return undefined;
    const { table, algorithm, settings } = this;
    const waitMs = (line === undefined ? algorithm.availableAt(table.state, table.at(slot), now, cost) : line.forecast(cost, now)) - now;
    const tooMany = settings.algorithm === 'leaky-bucket' && line !== undefined && line.size >= settings.burst;
    if (waitMs > settings.maxWait || tooMany) return this.refuse('limit', asking, key, cost, waitMs);
    if (this.environment.shutdown.isDraining) return this.refuse('shutdown', asking, key, cost, undefined);
    this.events.delayed(asking.operationId, key ?? undefined, cost, waitMs);
    const place = line ?? this.openLine(slot);
    const waiter = new Waiter(place, 0, cost, undefined, asking.operationId, now);
    place.add(waiter);
    return waiter;
  }

  /** @internal A permit that was taken a moment ago was for nothing. */
  giveBack(key: string | null | undefined, cost: number): void {
    const slot = this.table.find(key);
    if (slot === undefined) return;
    this.allowed--;
    this.algorithm.giveBack(this.table.state, this.table.at(slot), cost);
  }

  private takeNow(slot: number, cost: number, now: number): boolean {
    const taken = this.algorithm.tryTake(this.table.state, this.table.at(slot), now, cost);
    if (taken) this.allowed++;
    return taken;
  }

  /** Turns away who waits: the application shuts down, or so many others wait that the key is forgotten. */
  private dismiss(slot: number, reason: 'limit' | 'shutdown'): void {
    this.lines.get(slot)?.close((waiter) => this.error(reason, waiter, undefined, waiter.cost, undefined));
  }

  private openLine(slot: number): PacedLine {
    const { table } = this;
    const forget = this.environment.shutdown.waiting(() => this.dismiss(slot, 'shutdown'));
    const line = new PacedLine(
      {
        dueAt: (cost, from) => this.algorithm.availableAt(table.state, table.at(slot), from, cost),
        serve: (cost, time) => {
          this.allowed++;
          this.algorithm.take(table.state, table.at(slot), time, cost);
        },
        forecast: (now) => this.forecast(slot, now),
        emptied: () => {
          this.lines.delete(slot);
          forget();
          table.hold(slot, false);
        },
      },
      this.environment,
    );
    this.lines.set(slot, line);
    table.hold(slot, true);
    return line;
  }

  /** Serves on a copy of the state. */
  private forecast(slot: number, now: number): Forecast {
    const { algorithm, table } = this;
    const copy = table.state.slice(table.at(slot), table.at(slot) + algorithm.width);
    let latest = now;
    return {
      next: (cost) => algorithm.availableAt(copy, 0, latest, cost),
      join(cost) {
        latest = algorithm.availableAt(copy, 0, latest, cost);
        algorithm.take(copy, 0, latest, cost);
      },
    };
  }

  private refuse(
    reason: RateLimitReason,
    asking: Asking,
    key: string | null | undefined,
    cost: number,
    retryAfterMs: number | undefined,
  ): RateLimitExceededError {
    this.rejections++;
    if (key !== undefined && key !== null) this.refused.note(key);
    this.events.rejected(asking.operationId, key ?? undefined, cost, retryAfterMs);
    return this.error(reason, asking, key ?? undefined, cost, retryAfterMs);
  }

  private error(
    reason: RateLimitReason,
    asking: { operationId?: string | undefined },
    key: string | undefined,
    cost: number,
    retryAfterMs: number | undefined,
  ): RateLimitExceededError {
    const shownKey = key === undefined ? '' : ` for key ${JSON.stringify(key)}`;
    const why =
      reason === 'cost'
        ? `a call that costs ${cost} can never pass (at most ${this.algorithm.capacity})`
        : reason === 'shutdown'
          ? 'the application shuts down'
          : this.shortage;
    const next = retryAfterMs === undefined ? '' : `; next one in ${describeDuration(retryAfterMs)}`;
    return new RateLimitExceededError(`Rate limit "${this.name}"${shownKey}: ${why}${next}`, reason, {
      operationId: asking.operationId,
      policyName: this.name,
      retryAfterMs,
      withStack: this.environment.stackTraces,
    });
  }
}

function shortageOf({ limit, per }: RateLimiterSettings): string {
  return `no permit left (${limit} in ${describeDuration(per)})`;
}
