import { Subscriber, UnsubscriptionError, type Observable } from 'rxjs';
import { createResilience, ResilienceConfigError, type AttemptContext, type Policy, type Resilience } from '../../src/core.js';
import { FakeClock } from '../../src/testing/index.js';
import { Permits } from './permits.js';
import { runObservable, runPromise, type Surroundings } from './methods.js';
import type { CallStep, Kind, Scenario, Step } from './scenario.js';
import { Token, Tracked } from './tracked.js';
import { UserFunctions } from './user-functions.js';

/** Calls of one scenario, those that callbacks make included. */
const MOST_CALLS = 80;
const DEEPEST = 2;

/** What each kind has that can be changed while it runs. */
const CHANGES: Record<Kind, (to: number) => object> = {
  fallback: () => ({ onResult: undefined }),
  retry: (to) => ({ maxAttempts: to }),
  circuitBreaker: (to) => ({ consecutiveFailures: to }),
  rateLimit: (to) => ({ limit: to }),
  timeout: (to) => ({ duration: to * 10 }),
  bulkhead: (to) => ({ maxConcurrent: to }),
};

/** An application whose user does what a scenario says, and who keeps count of what must hold. */
export class World implements Surroundings {
  readonly clock = new FakeClock();
  readonly resilience: Resilience;
  readonly calls: Tracked[] = [];
  readonly problems: string[] = [];
  private readonly permits: Permits;
  private readonly functions: UserFunctions;
  private readonly common: Policy;
  private readonly unsettled: (() => void)[] = [];

  constructor(readonly scenario: Scenario) {
    const { order } = scenario;
    this.resilience = createResilience({
      clock: this.clock,
      random: () => 0.5,
      logger: { warn: () => undefined, error: () => undefined },
      ...(order === undefined ? {} : { order }),
    });
    this.permits = new Permits(
      scenario,
      () => this.resilience.bulkheads()[0]?.maxConcurrent,
      (problem) => this.problems.push(problem),
    );
    this.functions = new UserFunctions(this, scenario);
    this.common = this.functions.policy(() => this.calls.at(-1));
    if (scenario.hooks.includes('event')) this.resilience.on('*', () => this.functions.called('event', this.calls.at(-1)) as never);
  }

  async play(step: Step): Promise<void> {
    switch (step.do) {
      case 'call':
        return this.begin(step, 0);
      case 'advance':
        return this.clock.advance(step.ms);
      case 'reconfigure':
        return this.reconfigure(step.kind, step.to);
      case 'resize':
        return this.resize(step.to);
      case 'force':
        return this.resilience.circuitBreakers().forEach((breaker) => breaker[step.how]());
      case 'drain':
        return this.resilience.drain();
    }
  }

  /** Lets everything come to its end: methods that hang are settled, those who waited for them have their turn. */
  async finish(): Promise<void> {
    for (let round = 0; round < MOST_CALLS; round++) {
      await this.clock.advance(1000);
      if (this.unsettled.length === 0 && this.calls.every(({ isOver }) => isOver)) break;
      this.unsettled.splice(0).forEach((settle) => settle());
    }
    await this.clock.advance(200_000);
  }

  after(ms: number, callback: () => void): void {
    this.clock.setTimer(callback, ms);
  }

  enter(call: Tracked): () => void {
    return this.permits.enter(call);
  }

  settleAtEnd(settle: () => void): void {
    this.unsettled.push(settle);
  }

  again({ plan, depth }: Tracked): void {
    this.begin(plan, depth + 1);
  }

  private begin(plan: CallStep, depth: number): void {
    if (this.calls.length >= MOST_CALLS || depth > DEEPEST) return;
    const call = new Tracked(this.calls.length, plan, depth);
    this.calls.push(call);
    const { signal } = call.controller;
    if (plan.abortMs === -1) call.controller.abort(new Error('aborted before'));
    else if (plan.abortMs !== undefined) this.after(plan.abortMs, () => call.controller.abort(new Error('aborted')));
    const policy = this.scenario.isFresh ? this.functions.policy(() => call) : this.common;
    // Some callers have no signal.
    const hasSignal = plan.abortMs !== undefined || plan.priority % 2 === 0;
    const options = { name: 'op', args: [call.token], ...(hasSignal ? { signal } : {}) };
    const attempt = () => plan.attempts[Math.min(++call.attempts, plan.attempts.length) - 1]!;
    try {
      if (plan.driver === 'promise') {
        this.resilience
          .execute(policy, (context: AttemptContext) => runPromise(this, call, attempt(), context), options)
          .then(
            (value) => this.ended(call, value),
            (error: unknown) => {
              if (isBadOption(error)) this.problems.push(`the fuzzer itself: ${String(error)}`);
              this.ended(call, undefined);
            },
          );
      } else
        this.subscribe(
          call,
          this.resilience.executeObservable(policy, () => runObservable(this, call, attempt()), options),
        );
    } catch (error) {
      this.problems.push(`call ${call.id} threw at its caller: ${String(error)}`);
    }
  }

  private subscribe(call: Tracked, source: Observable<unknown>): void {
    const { unsubscribeMs } = call.plan;
    const ended = (): void => {
      this.ended(call, undefined);
      this.functions.called('end', call);
    };
    // Known before anything is emitted, so that a callback can unsubscribe from a source that emits at once.
    call.subscriber = new Subscriber<unknown>({
      next: (value) => {
        if (call.isOver) this.problems.push(`call ${call.id} was given a value after its end`);
        this.isOwn(call, value);
        this.functions.called('next', call);
      },
      error: ended,
      complete: ended,
    });
    source.subscribe(call.subscriber);
    if (unsubscribeMs !== undefined) this.after(unsubscribeMs, () => this.unsubscribe(call));
  }

  unsubscribe(call: Tracked): void {
    if (call.subscriber === undefined || call.isOver) return;
    call.isUnsubscribed = true;
    try {
      call.subscriber.unsubscribe();
    } catch (error) {
      if (!(error instanceof UnsubscriptionError)) throw error;
    }
  }

  private ended(call: Tracked, value: unknown): void {
    call.ends++;
    if (call.ends > 1) this.problems.push(`call ${call.id} ended ${call.ends} times`);
    if (call.isUnsubscribed) this.problems.push(`call ${call.id} was told of its end after it had unsubscribed`);
    this.isOwn(call, value);
  }

  private isOwn(call: Tracked, value: unknown): void {
    if (value instanceof Token && value !== call.token) this.problems.push(`call ${call.id} was given the value of call ${value.call}`);
  }

  resize(to: number): void {
    this.notePlaces();
    for (const bulkhead of this.resilience.bulkheads()) bulkhead.resize(to);
  }

  /** Who was let in before a bulkhead became smaller stays in. */
  private notePlaces(): void {
    const before = Math.max(0, ...this.resilience.bulkheads().map(({ maxConcurrent }) => maxConcurrent));
    for (const call of this.calls) if (!call.isOver) call.places = Math.max(call.places, before);
  }

  reconfigure(kind: Kind, to: number): void {
    if (this.scenario.options[kind] === undefined || this.calls.length === 0) return;
    this.notePlaces();
    try {
      this.resilience.reconfigure('op', { [kind]: CHANGES[kind](to) });
    } catch (error) {
      if (!isBadOption(error)) throw error;
    }
  }
}

function isBadOption(error: unknown): boolean {
  return error instanceof ResilienceConfigError;
}
