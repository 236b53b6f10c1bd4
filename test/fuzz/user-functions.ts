import { policies, type Policy } from '../../src/core.js';
import type { Act, CallStep, Hook, Kind, Scenario } from './scenario.js';
import { Boom, type Token, type Tracked } from './tracked.js';
import type { World } from './world.js';

/** The functions that a scenario's user hands in, and what they do beside their work. */
export class UserFunctions {
  private readonly counts = new Map<Hook, number>();

  constructor(
    private readonly world: World,
    private readonly scenario: Scenario,
  ) {}

  /** A function is called, for that call as far as it knows. */
  called(at: Hook, call: Tracked | undefined): unknown {
    const nth = (this.counts.get(at) ?? 0) + 1;
    this.counts.set(at, nth);
    const acts = new Set(this.scenario.tricks.flatMap((trick) => (trick.at === at && trick.nth === nth ? [trick.act] : [])));
    // What a consumer throws, RxJS reports to the process, as it should.
    const canFail = at !== 'next' && at !== 'end';
    const end = !canFail ? undefined : acts.has('throw') ? 'throw' : acts.has('reject') ? 'reject' : undefined;
    for (const act of acts) if (act !== 'throw' && act !== 'reject') this.act(act, call);
    return end === undefined ? undefined : this.act(end, call);
  }

  /** The policy of the scenario with these functions; `callOf` says for whom they work. */
  policy(callOf: () => Tracked | undefined): Policy {
    const { options, hooks } = this.scenario;
    const has = (hook: Hook, fn: (...args: never[]) => unknown): object => (hooks.includes(hook) ? { [hook]: fn } : {});
    const says = (hook: Hook, otherwise?: unknown) => () => this.called(hook, callOf()) ?? otherwise;
    const ofArguments = (hook: Hook, read: (plan: CallStep) => unknown) => (token: Token) => {
      const call = this.world.calls[token.call]!;
      return this.called(hook, call) ?? read(call.plan);
    };
    const key = has(
      'key',
      ofArguments('key', (plan) => (plan.key === 0 ? undefined : `k${plan.key}`)),
    );
    const failures = { ...has('on', says('on', true)), ...has('onResult', says('onResult', false)) };
    const functions: Record<Kind, object> = {
      fallback: {
        ...failures,
        tiers: ((options.fallback?.['tiers'] ?? []) as string[]).map((what) => this.tier(what, callOf)),
        ...has('validate', says('validate', true)),
      },
      retry: { ...failures, ...has('onRetry', says('onRetry')) },
      circuitBreaker: { ...failures, ...key },
      rateLimit: {
        ...key,
        ...has(
          'cost',
          ofArguments('cost', ({ cost }) => cost),
        ),
      },
      timeout: has('discard', says('discard')),
      bulkhead: {
        ...key,
        // Without a queue nobody waits, so an order among those who wait is a mistake.
        ...(options.bulkhead?.['maxQueue'] === undefined
          ? {}
          : has(
              'priority',
              ofArguments('priority', ({ priority }) => priority),
            )),
      },
    };
    const members = Object.entries(options).map(([kind, { maxKeys, ...own }]) => {
      const keys = maxKeys === undefined || !hooks.includes('key') ? {} : { maxKeys };
      return Object.assign({ kind }, own, keys, functions[kind as Kind]) as unknown as Policy;
    });
    return policies.combine(...members);
  }

  private tier(what: string, callOf: () => Tracked | undefined): unknown {
    if (what === 'value') return { value: 'fixed' };
    return (_error: unknown, token: Token) => {
      const { isFresh, hooks } = this.scenario;
      const own = callOf()!;
      if (isFresh && own.token !== token) this.world.problems.push(`call ${token.call} was answered by the function of call ${own.id}`);
      const answer = hooks.includes('tier') ? this.called('tier', this.world.calls[token.call]) : undefined;
      if (answer !== undefined) return answer;
      if (what === 'throws') throw new Boom(token.call);
      return what === 'later' ? new Promise((resolve) => this.world.after(15, () => resolve(token))) : token;
    };
  }

  private act(act: Act, call: Tracked | undefined): unknown {
    const { resilience } = this.world;
    switch (act) {
      case 'throw':
        throw new Boom(call?.id ?? -1);
      case 'reject':
        return Promise.reject(new Boom(call?.id ?? -1));
      case 'abort':
        call?.controller.abort(new Error('aborted in a callback'));
        break;
      case 'unsubscribe':
        if (call !== undefined) this.world.unsubscribe(call);
        break;
      case 'call':
        if (call !== undefined) this.world.again(call);
        break;
      case 'reconfigure':
        this.world.reconfigure('bulkhead', 1);
        break;
      case 'resize':
        this.world.resize(2);
        break;
      case 'forceOpen':
      case 'close':
        for (const breaker of resilience.circuitBreakers()) breaker[act]();
        break;
      case 'evict':
        for (const key of ['x', 'y', 'z']) {
          for (const breaker of resilience.circuitBreakers()) breaker.tryAcquire(key)?.release();
          for (const bulkhead of resilience.bulkheads()) bulkhead.tryAcquire(key)?.release();
          for (const limiter of resilience.rateLimiters()) limiter.tryAcquire({ key });
        }
    }
    return undefined;
  }
}
