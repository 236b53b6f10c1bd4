import type { PermitRequest } from '../../../engine/contract/admission.js';
import type { Environment } from '../../../engine/environment.js';
import type { Waiter } from '../../../engine/waiting/waiter.js';
import type { Key, StoreFailureMode } from '../../../options/index.js';
import { RateLimitRejection } from '../rate-limit.error.js';
import { RateLimiter, type RateLimiterSettings, type RateLimitRequest, type RateLimitStatus } from '../rate-limiter.js';
import { ExactPermits } from './exact/exact-permits.js';
import type { SharedLimit } from './limit-store.js';
import type { SharedLimiter } from './shared-limiter.js';
import type { LimiterStore } from './limiter-store.js';
import { PermitTurn } from './permit-turn.js';
import { StandIn } from './stand-in.js';
import { Standings } from './standings.js';
import { StoreCalls } from './store-calls.js';

/** A limiter whose permits are counted in a store, for all instances that share it. */
export abstract class SharedRateLimiter extends RateLimiter implements SharedLimiter {
  /** What the store has said of each key. */
  readonly standings: Standings;
  readonly standIn: StandIn;
  readonly calls: StoreCalls;
  protected readonly exact: ExactPermits;
  private limit: SharedLimit;

  constructor(
    name: string,
    settings: RateLimiterSettings,
    environment: Environment,
    readonly store: LimiterStore,
  ) {
    super(name, settings, environment);
    this.limit = sharedLimit(name, settings);
    this.standings = new Standings(settings.maxKeys, settings.algorithm === 'fixed-window' || settings.algorithm === 'sliding-window');
    this.standIn = new StandIn(name, settings, environment, store);
    this.calls = new StoreCalls(
      store.limits,
      environment,
      `store of rate limit "${name}"`,
      () => this.limit,
      () => ({ maxWaitMs: this.settings.maxWait, maxQueue: this.isPaced ? this.settings.maxQueue : Infinity }),
    );
    this.exact = new ExactPermits(this);
    store.availability.listen((isAvailable) => {
      if (isAvailable) this.calls.charge(this.standIn.takeUnreported());
    });
  }

  get isPaced(): boolean {
    return this.settings.algorithm === 'leaky-bucket';
  }

  override get keyCount(): number {
    return this.standings.keyCount;
  }

  override get waiting(): number {
    return this.exact.waiting;
  }

  override peek(key?: Key): RateLimitStatus {
    if (this.state === 'disabled') return { remaining: Infinity, resetAfterMs: 0 };
    const text = this.textOf(key);
    if (!this.store.availability.isAvailable && this.onStoreFailure === 'local') return this.standIn.peek(text);
    const at = this.standings.find(text);
    const now = this.environment.clock.now();
    if (at === undefined || now >= this.standings.resetAt(at)) return { remaining: this.isPaced ? 1 : this.capacity, resetAfterMs: 0 };
    return { remaining: this.standings.remaining(at), resetAfterMs: this.standings.resetAt(at) - now };
  }

  override someKeys(offset: number, limit: number): readonly string[] {
    return this.standings.someKeys(offset, limit);
  }

  override reconfigure(settings: RateLimiterSettings): void {
    super.reconfigure(settings);
    this.standIn.reconfigure(settings);
    this.limitChanged();
    // What comes back has its place by the rate that it was given at.
    this.calls.flush();
    this.limit = sharedLimit(this.name, settings);
  }

  /** Who waits for more than there is now is rejected. */
  protected limitChanged(): void {
    this.exact.limitChanged();
  }

  /** What happens to calls while the store cannot be asked. */
  get onStoreFailure(): StoreFailureMode {
    return this.settings.onStoreFailure ?? this.store.settings.onStoreFailure;
  }

  override admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    if (cost > this.capacity) return this.reject('cost', asking, key, cost, undefined);
    if (!this.store.availability.isAvailable) return this.admitAlone(key, cost, asking);
    return this.admitShared(key, cost, asking);
  }

  override giveBack(key: string | undefined, cost: number, turn?: Waiter, askedAt = this.environment.clock.now()): void {
    this.allowed--;
    const isAlone = turn instanceof PermitTurn ? turn.stamp === undefined : !this.store.availability.isAvailable;
    if (isAlone) {
      this.standIn.giveBack(key, cost);
      return;
    }
    this.giveBackShared(key, cost, turn instanceof PermitTurn ? turn.stamp : undefined, askedAt);
  }

  /** The store can be asked. */
  protected abstract admitShared(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined;

  protected giveBackShared(key: string | undefined, cost: number, stamp: number | undefined, askedAt: number): void {
    const at = this.standings.find(key);
    const counted = stamp ?? (at === undefined ? undefined : this.standings.stampSince(at, askedAt));
    // Where it may have been one window or the next the permit is lost: no window gets more than its limit.
    if (counted === undefined) return;
    this.standIn.count(key, -cost);
    this.standings.allow(key);
    this.calls.giveBack(key, cost, counted);
  }

  /** The store cannot be asked. */
  protected admitAlone(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    const turn = this.exact.turnFor(key, cost, asking);
    this.decideAlone(turn);
    return turn.state === 'granted' ? undefined : turn;
  }

  /** The store could not be asked for somebody: what `onStoreFailure` says. */
  decideAlone(turn: PermitTurn): void {
    const { key, cost } = turn;
    if (turn.state !== 'waiting') return;
    const mode = this.onStoreFailure;
    if (mode === 'reject') turn.reject(this.reject('store', turn, key, cost, undefined).error);
    else if (mode === 'allow') this.passAlone(turn);
    else
      this.follow(
        turn,
        this.standIn.admit(
          key,
          cost,
          turn.asking(() => this.environment.clock.now()),
        ),
      );
  }

  private follow(turn: PermitTurn, admission: RateLimitRejection | Waiter | undefined): void {
    if (admission === undefined) this.passAlone(turn);
    else if (admission instanceof RateLimitRejection) this.rejectAlone(turn, admission.error);
    else {
      turn.standIn = admission;
      admission.wake = () => {
        if (admission.state === 'granted') this.passAlone(turn);
        else if (admission.rejection !== undefined) this.rejectAlone(turn, admission.rejection);
      };
    }
  }

  private passAlone(turn: PermitTurn): void {
    if (turn.state !== 'waiting') return;
    this.allowed++;
    this.standIn.passed(turn.key, turn.cost);
    turn.grant();
  }

  /** The stand-in has told of it under the name that they have in common. */
  private rejectAlone(turn: PermitTurn, error: Error): void {
    if (turn.state !== 'waiting') return;
    this.rejections++;
    if (turn.key !== undefined) this.rejectedKeys.count(turn.key);
    turn.reject(error);
  }
}

function sharedLimit(name: string, { algorithm, limit, per, burst }: RateLimiterSettings): SharedLimit {
  return { name, algorithm, limit, perMs: per, burst };
}

/** A limiter of which the store decides every permit. */
export class ExactRateLimiter extends SharedRateLimiter {
  override tryAcquire(request: RateLimitRequest = {}): boolean {
    this.read(request);
    if (this.state === 'disabled') return true;
    throw new Error(
      `rate limiter "${this.name}" is shared: its permits are counted in a store that cannot answer at once; use acquire() in place of tryAcquire(), or shared: 'leased'`,
    );
  }

  protected override admitShared(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | Waiter | undefined {
    return this.exact.admit(key, cost, asking);
  }
}
