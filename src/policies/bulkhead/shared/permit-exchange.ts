import { randomBytes } from 'node:crypto';
import type { TimerHandle } from '../../../engine/clock.js';
import type { Environment } from '../../../engine/environment.js';
import { storeFailed, type SharedStore } from '../../shared-store.js';
import type { PermitClaim, PermitGrant } from './permit-store.js';

/** So many claims go with one question at most: the store answers nobody else meanwhile. */
const CLAIMS_AT_ONCE = 128;

const LABEL = 'the store of bulkheads';

/** How often a lease is renewed while it lasts. */
const RENEWALS = 3;

/** A part of a bulkhead that claims permits. */
export interface Claimant {
  readonly holder: string;
  /** Somebody waits, and asks again until there is a permit. */
  readonly isWaiting: boolean;
  /** It is not known what the store counts as held here. */
  readonly isUnsure: boolean;
  /** Nothing is held, wanted or to be given back. */
  readonly isIdle: boolean;
  /** What it has and wants now. */
  claim(): PermitClaim;
  /** It has and wants nothing. */
  lastClaim(): PermitClaim;
  answered(grant: PermitGrant, claim: PermitClaim, ageMs: number): void;
  /** The store failed, or did not answer in time. */
  unanswered(): void;
}

/** By store: each application opens one of its own. */
const exchanges = new WeakMap<SharedStore, PermitExchange>();

/**
 * All that one application says to a store about permits. What changes in one turn goes as one question; of each claimant at most
 * one claim is under way, so what changes meanwhile goes with the next. One timer renews the leases of all, another one asks again
 * for those who wait.
 */
export class PermitExchange {
  /** Tells this application from all others, also from those in the same process. */
  private readonly id = randomBytes(9).toString('base64url');
  private holders = 0;
  private readonly claimants = new Map<string, Claimant>();
  private readonly due = new Set<Claimant>();
  private readonly underWay = new Set<Claimant>();
  /** Those that wait, or must learn what the store counts. */
  private readonly polling = new Set<Claimant>();
  private isScheduled = false;
  private isStopped = false;
  private renewal: TimerHandle;
  private poll: TimerHandle;
  private pollKeepsAlive = false;
  private readonly ignoreFreed: () => void;

  private constructor(
    private readonly store: SharedStore,
    private readonly environment: Environment,
  ) {
    this.ignoreFreed = store.permits.onFreed((holder) => this.freed(holder));
    store.beforeStop(() => this.giveBack());
  }

  /** The one of a store that an application has opened. */
  static of(store: SharedStore, environment: Environment): PermitExchange {
    let exchange = exchanges.get(store);
    if (exchange === undefined) exchanges.set(store, (exchange = new PermitExchange(store, environment)));
    return exchange;
  }

  get leaseMs(): number {
    return this.store.settings.leaseMs;
  }

  /** A name that no other holder has. */
  newHolder(): string {
    this.holders++;
    return `${this.id}:${this.holders}`;
  }

  /** What a claimant has or wants is not what the store knows: it claims in this turn, or when its last claim is answered. */
  changed(claimant: Claimant): void {
    this.claimants.set(claimant.holder, claimant);
    this.due.add(claimant);
    if (this.isScheduled) return;
    this.isScheduled = true;
    const flush = Promise.resolve().then(() => {
      this.isScheduled = false;
      this.flush();
    });
    this.environment.background(flush, LABEL);
  }

  /** Everything, also the permits of calls that run on: the store closes. */
  private async giveBack(): Promise<void> {
    this.isStopped = true;
    this.ignoreFreed();
    this.clearTimers();
    const claims = Array.from(this.claimants.values(), (claimant) => claimant.lastClaim());
    this.claimants.clear();
    this.polling.clear();
    const questions: Promise<unknown>[] = [];
    for (let from = 0; from < claims.length; from += CLAIMS_AT_ONCE) {
      questions.push(this.store.permits.exchange(claims.slice(from, from + CLAIMS_AT_ONCE)));
    }
    await Promise.all(questions);
  }

  private freed(holder: string): void {
    const claimant = this.claimants.get(holder);
    if (claimant?.isWaiting === true) this.changed(claimant);
  }

  private flush(): void {
    const ready = [...this.due].filter((claimant) => !this.underWay.has(claimant));
    for (let from = 0; from < ready.length; from += CLAIMS_AT_ONCE) {
      const batch = ready.slice(from, from + CLAIMS_AT_ONCE);
      for (const claimant of batch) this.due.delete(claimant);
      if (this.isStopped) this.leaveAlone(batch);
      else this.environment.background(this.ask(batch), LABEL);
    }
  }

  /** There is no store any more. */
  private leaveAlone(batch: readonly Claimant[]): void {
    for (const claimant of batch) {
      this.claimants.delete(claimant.holder);
      claimant.unanswered();
    }
  }

  private async ask(batch: readonly Claimant[]): Promise<void> {
    const { clock } = this.environment;
    const sentAt = clock.now();
    for (const claimant of batch) this.underWay.add(claimant);
    const claims = batch.map((claimant) => claimant.claim());
    let grants: readonly PermitGrant[] | undefined;
    try {
      grants = await this.store.permits.exchange(claims);
    } catch (error) {
      storeFailed(this.environment, LABEL, error); // what it means for those who ask is decided by each bulkhead
    }
    for (const claimant of batch) this.underWay.delete(claimant);
    const ageMs = clock.now() - sentAt;
    for (const [index, claimant] of batch.entries()) {
      const grant = this.isStopped ? undefined : grants?.[index];
      if (grant === undefined) claimant.unanswered();
      else claimant.answered(grant, claims[index]!, ageMs);
    }
    for (const claimant of batch) this.note(claimant);
    this.flush();
    this.schedule();
  }

  private note(claimant: Claimant): void {
    if (this.isStopped) this.claimants.delete(claimant.holder);
    else if (claimant.isWaiting || claimant.isUnsure) this.polling.add(claimant);
    else this.polling.delete(claimant);
    if (claimant.isIdle && !this.due.has(claimant)) this.claimants.delete(claimant.holder);
  }

  /** Timers run only while there is something to renew, or to ask again for; the process lives on only for those who wait. */
  private schedule(): void {
    if (this.isStopped || this.claimants.size === 0) {
      this.clearTimers();
      return;
    }
    const { clock } = this.environment;
    this.renewal ??= clock.setTimer(() => {
      this.renewal = undefined;
      for (const claimant of this.claimants.values()) this.changed(claimant);
    }, this.leaseMs / RENEWALS);
    const keepAlive = [...this.polling].some(({ isWaiting }) => isWaiting);
    if (this.poll !== undefined && this.pollKeepsAlive === keepAlive && this.polling.size > 0) return;
    if (this.poll !== undefined) clock.clearTimer(this.poll);
    this.poll = undefined;
    if (this.polling.size === 0) return;
    const ask = (): void => {
      this.poll = undefined;
      for (const claimant of this.polling) this.changed(claimant);
    };
    this.pollKeepsAlive = keepAlive;
    this.poll = clock.setTimer(ask, this.store.settings.propagationMs, keepAlive);
  }

  private clearTimers(): void {
    const { clock } = this.environment;
    if (this.renewal !== undefined) clock.clearTimer(this.renewal);
    if (this.poll !== undefined) clock.clearTimer(this.poll);
    this.renewal = this.poll = undefined;
  }
}
