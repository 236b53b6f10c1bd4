import type { PermitRequest } from '../../../../engine/contract/admission.js';
import type { WaiterOwner } from '../../../../engine/waiting/waiter.js';
import type { RateLimitRejection } from '../../rate-limit.error.js';
import { Agenda } from '../agenda.js';
import { AskedTogether, type AskOwner } from './asked-together.js';
import type { PermitAnswer } from '../limit-store.js';
import { PermitTurn } from '../permit-turn.js';
import type { SharedLimiter } from '../shared-limiter.js';
import { HeldQuestions } from './held-questions.js';

/** An over-limit key is remembered for so long at most: others may have given back by then. */
const LONGEST_MEMORY_MS = 1000;

/** Permits that the store decides one by one, and asks of it that are put together. */
export class ExactPermits implements WaiterOwner, AskOwner {
  /** What is asked in this turn of the event loop, by key. */
  private asked = new Map<string | undefined, AskedTogether>();
  private readonly held: HeldQuestions;
  /** Those that have a place in the line, until it is their turn. */
  private readonly reserved: Agenda<PermitTurn>;
  /** Who has asked and has no answer yet. */
  private readonly unanswered = new Set<PermitTurn>();
  /** How many wait for each key; kept only where that is bounded. */
  private readonly waitingByKey = new Map<string | undefined, number>();
  private forgetShutdown: (() => void) | undefined;

  constructor(private readonly limiter: SharedLimiter) {
    const { environment } = limiter;
    this.reserved = new Agenda<PermitTurn>(environment, true, (turn) => this.grant(turn));
    this.held = new HeldQuestions(environment, (question) => limiter.calls.ask(question));
  }

  get waiting(): number {
    return this.unanswered.size + this.reserved.size;
  }

  admit(key: string | undefined, cost: number, asking: PermitRequest): RateLimitRejection | PermitTurn {
    const { limiter } = this;
    const { standings, settings } = limiter;
    const now = asking.now();
    const at = standings.find(key);
    const knownFullUntil = at === undefined ? undefined : standings.deniedUntil(at, cost, now);
    if (knownFullUntil !== undefined) return limiter.reject('limit', asking, key, cost, knownFullUntil - now);
    if (this.isLineFull(key)) return limiter.reject('limit', asking, key, cost, undefined);
    const turn = this.turnFor(key, cost, asking);
    if (settings.maxQueue !== Infinity && !limiter.isPaced) this.waitingByKey.set(key, (this.waitingByKey.get(key) ?? 0) + 1);
    this.unanswered.add(turn);
    this.watchShutdown();
    this.together(turn, at, now).add(turn);
    return turn;
  }

  turnFor(key: string | undefined, cost: number, asking: PermitRequest): PermitTurn {
    const { settings, environment } = this.limiter;
    const mayWait = asking.mayWait !== false && settings.maxWait > 0 && !environment.shutdown.isDraining;
    return new PermitTurn(this, key, cost, undefined, asking.operationId, asking.now(), mayWait);
  }

  /** The rate is another one: what was denied may be had now, and more than there is now never. */
  limitChanged(): void {
    const { limiter } = this;
    limiter.standings.forgetDenials();
    for (const turn of [...this.unanswered, ...this.reserved]) {
      if (turn.cost <= limiter.capacity) continue;
      this.takeOut(turn);
      turn.reject(limiter.reject('cost', turn, turn.key, turn.cost, undefined).error);
    }
  }

  /** A caller gave up. */
  left(turn: PermitTurn): void {
    turn.standIn?.leave();
    this.takeOut(turn);
  }

  expired(): Error {
    throw new Error('a turn of a shared limit ends by the answer of its store');
  }

  /** The store has answered those that asked the same together. */
  answered(asked: AskedTogether, answer: PermitAnswer): void {
    const { limiter } = this;
    const { key, cost } = asked;
    const now = limiter.environment.clock.now();
    const at = limiter.standings.note(key, answer, now);
    limiter.standIn.count(key, cost * answer.granted);
    if (asked.size > answer.granted) this.remember(at, asked, answer, now);
    let next = 0;
    for (const turn of asked.turns) {
      if (!this.unanswered.delete(turn)) continue; // has left since
      const index = next++;
      if (index < answer.granted) this.place(turn, answer, index, now);
      else this.deny(turn, answer.retryAfterMs);
    }
    this.giveBackRest(asked, answer, next);
    this.forgetShutdownIfIdle();
  }

  failed(asked: AskedTogether): void {
    for (const turn of asked.turns) {
      if (!this.unanswered.delete(turn)) continue;
      this.leaveLine(turn);
      this.limiter.decideAlone(turn);
    }
    this.forgetShutdownIfIdle();
  }

  private together(turn: PermitTurn, at: number | undefined, now: number): AskedTogether {
    const { key, cost, mayWait } = turn;
    const known = this.asked.get(key);
    for (let asked = known; asked !== undefined; asked = asked.next) {
      if (asked.cost === cost && asked.mayWait === mayWait && !asked.isFull) return asked;
    }
    const asked = new AskedTogether(this, key, cost, mayWait, known);
    this.asked.set(key, asked);
    const askAgainAt = at === undefined ? 0 : this.limiter.standings.askAgainAt(at);
    if (askAgainAt > now) this.held.hold(asked, askAgainAt);
    else this.limiter.calls.ask(asked);
    return asked;
  }

  /** It goes out now: whoever asks from here on asks anew. */
  sent(asked: AskedTogether): void {
    let first = this.asked.get(asked.key);
    if (first === asked) first = asked.next;
    else {
      for (let other = first; other !== undefined; other = other.next) if (other.next === asked) other.next = asked.next;
    }
    if (first === undefined) this.asked.delete(asked.key);
    else this.asked.set(asked.key, first);
  }

  private place(turn: PermitTurn, answer: PermitAnswer, index: number, now: number): void {
    const given = answer.turns?.[index];
    turn.stamp = given?.stamp ?? answer.stamp;
    const waitMs = given?.waitMs ?? 0;
    if (waitMs <= 0) {
      this.grant(turn);
      return;
    }
    turn.dueAt = now + waitMs;
    this.reserved.add(turn);
    this.limiter.events.delayed(turn, waitMs);
  }

  private grant(turn: PermitTurn): void {
    this.leaveLine(turn);
    this.limiter.allowed++;
    turn.grant();
    this.forgetShutdownIfIdle();
  }

  private deny(turn: PermitTurn, retryAfterMs: number): void {
    this.leaveLine(turn);
    const { limiter } = this;
    const reason = limiter.environment.shutdown.isDraining && limiter.settings.maxWait > 0 ? 'shutdown' : 'limit';
    turn.reject(limiter.reject(reason, turn, turn.key, turn.cost, reason === 'limit' ? retryAfterMs : undefined).error);
  }

  /** Nothing is to be had for a while, so nobody asks the store for it. */
  private remember(at: number, { cost, mayWait }: AskedTogether, { retryAfterMs }: PermitAnswer, now: number): void {
    const { standings, settings, isPaced } = this.limiter;
    if (!mayWait && settings.maxWait > 0) return; // a hedge, which does not wait: others may
    const { limit, per } = settings;
    const free = mayWait ? retryAfterMs - settings.maxWait : retryAfterMs;
    const quiet = Math.min(Math.max(free, isPaced && mayWait ? per / limit : 0), LONGEST_MEMORY_MS);
    standings.deny(at, { cost, until: now + quiet, retryAt: now + retryAfterMs, askAgainAt: now + this.pauseMs }, now);
  }

  /** How long nobody asks for a key that is over its limit: never so long that permits get lost because a bucket is full again. */
  private get pauseMs(): number {
    const { settings, isPaced } = this.limiter;
    if (isPaced) return 0;
    const { algorithm, burst, limit, per } = settings;
    return Math.min(10, (algorithm === 'token-bucket' ? (burst / limit) * per : per) / 10);
  }

  /** What was granted to those that have left since, the last places first. */
  private giveBackRest({ key, cost }: AskedTogether, answer: PermitAnswer, used: number): void {
    const { limiter } = this;
    const left = answer.granted - used;
    if (left <= 0) return;
    limiter.standIn.count(key, -cost * left);
    limiter.standings.allow(key);
    if (answer.turns === undefined) limiter.calls.giveBack(key, cost * left, answer.stamp);
    else for (let index = answer.granted - 1; index >= used; index--) limiter.calls.giveBack(key, cost, answer.turns[index]!.stamp);
  }

  private isLineFull(key: string | undefined): boolean {
    return (this.waitingByKey.get(key) ?? 0) >= this.limiter.settings.maxQueue;
  }

  private leaveLine({ key }: PermitTurn): void {
    const waiting = this.waitingByKey.get(key);
    if (waiting === undefined) return;
    if (waiting === 1) this.waitingByKey.delete(key);
    else this.waitingByKey.set(key, waiting - 1);
  }

  /** Out of wherever it waits; a place that it had goes back. */
  private takeOut(turn: PermitTurn): void {
    const { limiter } = this;
    if (this.reserved.remove(turn)) {
      limiter.standIn.count(turn.key, -turn.cost);
      limiter.standings.allow(turn.key);
      limiter.calls.giveBack(turn.key, turn.cost, turn.stamp!);
      this.leaveLine(turn);
    } else if (this.unanswered.delete(turn)) this.leaveLine(turn);
    this.forgetShutdownIfIdle();
  }

  private watchShutdown(): void {
    this.forgetShutdown ??= this.limiter.environment.shutdown.registerWaiter((end) => {
      const late = [...this.reserved].filter(({ dueAt }) => end === undefined || dueAt! > end);
      for (const turn of end === undefined ? [...this.unanswered, ...late] : late) {
        this.takeOut(turn);
        if (turn.state === 'waiting') turn.reject(this.limiter.reject('shutdown', turn, turn.key, turn.cost, undefined).error);
      }
    });
  }

  private forgetShutdownIfIdle(): void {
    if (this.waiting > 0) return;
    this.forgetShutdown?.();
    this.forgetShutdown = undefined;
  }
}
