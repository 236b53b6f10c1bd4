import {
  BulkheadFullError,
  CircuitOpenError,
  createResilience,
  policies,
  type Order,
  type OrderPlace,
  type Policy,
  type PolicyKindName,
} from '../../src/core.js';
import { Boom, Lab } from '../support/lab.js';

const inOrder = (...first: PolicyKindName[]): Order<OrderPlace> => {
  const all: PolicyKindName[] = ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'];
  return [...first, ...all.filter((kind) => !first.includes(kind))];
};

describe('the order of layers', () => {
  const both = policies.combine(
    policies.bulkhead(5),
    policies.timeout({ duration: '1s', total: '5s' }),
    policies.retry(2),
    policies.fallback(() => 1),
  );

  it.each<[string, Order<OrderPlace> | undefined, string[]]>([
    ['is canonical by default, whatever the source says', undefined, ['fallback', 'timeout', 'retry', 'timeout', 'bulkhead']],
    ['can be that of the source, with the total time outermost', 'declared', ['timeout', 'bulkhead', 'timeout', 'retry', 'fallback']],
    ['can be given', inOrder('bulkhead', 'retry'), ['timeout', 'bulkhead', 'retry', 'fallback', 'timeout']],
    [
      'keeps the total time inside of a leading fallback',
      inOrder('fallback', 'bulkhead'),
      ['fallback', 'timeout', 'bulkhead', 'retry', 'timeout'],
    ],
    ['puts two that it names into their two places', ['bulkhead', 'retry'], ['fallback', 'timeout', 'bulkhead', 'timeout', 'retry']],
    ['leaves one that it names where it is', ['retry'], ['fallback', 'timeout', 'retry', 'timeout', 'bulkhead']],
    [
      'can put the total time outside of the fallback',
      ['totalTimeout', 'fallback'],
      ['timeout', 'fallback', 'retry', 'timeout', 'bulkhead'],
    ],
    ['can put the total time inside of the retry', ['retry', 'totalTimeout'], ['fallback', 'retry', 'timeout', 'timeout', 'bulkhead']],
    [
      'can put the total time innermost',
      ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead', 'totalTimeout'],
      ['fallback', 'retry', 'timeout', 'bulkhead', 'timeout'],
    ],
    ['may name nothing', [], ['fallback', 'timeout', 'retry', 'timeout', 'bulkhead']],
  ])('%s', (_what, order, expected) => {
    const resilience = createResilience(order === undefined ? {} : { order });
    void resilience.execute(both, () => 1, { name: 'op' });
    expect(resilience.list()[0]!.policies.map(({ kind }) => kind)).toEqual(expected);
  });
});

describe('two policies', () => {
  const retry = policies.retry({ maxAttempts: 3, backoff: '10ms' });
  const breaker = policies.circuitBreaker({ name: 'b', consecutiveFailures: 3, openDuration: '1h' });

  it('a breaker inside of a retry counts each attempt, one outside of it counts the call', async () => {
    for (const [order, failures] of [
      [undefined, 3],
      [inOrder('circuitBreaker', 'retry'), 1],
    ] as const) {
      const lab = new Lab(order === undefined ? {} : { order });
      lab.call(policies.combine(retry, policies.circuitBreaker({ name: 'b', minimumCalls: 50 })), 'fail');
      await lab.clock.advance('1s');
      expect(lab.resilience.circuitBreaker('b').snapshot().failures).toBe(failures);
    }
  });

  it('a retry ends with the open error once the breaker has opened', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.combine(policies.retry({ maxAttempts: 9, backoff: '10ms' }), breaker), 'fail');
    await lab.clock.advance('1s');
    expect(ending).toMatchObject({ starts: [0, 10, 20], error: { code: 'ERR_CIRCUIT_OPEN' } });
  });

  it('a rejection by an inner policy says nothing to the breaker, one from further down does', async () => {
    const lab = new Lab();
    const inner = policies.combine(breaker, policies.bulkhead({ maxConcurrent: 1 }));
    lab.call(inner, 'ok@100', { name: 'op' });
    for (let count = 0; count < 5; count++) lab.call(inner, 'ok', { name: 'op' });
    await lab.clock.advance('1s');
    expect(lab.resilience.circuitBreaker('b').snapshot()).toMatchObject({ calls: 1, failures: 0, state: 'closed' });
    for (let count = 0; count < 3; count++) {
      await lab.resilience
        .execute(breaker, () => Promise.reject(new BulkheadFullError('further down', 'capacity', {})))
        .catch(() => undefined);
    }
    expect(lab.resilience.circuitBreaker('b').state).toBe('open');
  });

  it('a rejected trial gives its permit back', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.circuitBreaker({ name: 'b', consecutiveFailures: 1, openDuration: '1s' }),
      policies.rateLimit({ name: 'l', limit: 1, per: '1500ms' }),
    );
    lab.call(policy, 'fail');
    await lab.clock.advance('1s');
    const limited = lab.call(policy, 'ok');
    await lab.clock.settle();
    expect(limited.error).toMatchObject({ code: 'ERR_RATE_LIMITED' });
    expect(lab.resilience.circuitBreaker('b').state).toBe('half-open');
    await lab.clock.advance('500ms');
    lab.call(policy, 'ok');
    await lab.clock.settle();
    expect(lab.resilience.circuitBreaker('b').state).toBe('closed');
  });

  it('a total timeout is told to the breaker whose call was running, and to no other', async () => {
    const total = policies.timeout({ total: '100ms' });
    const running = new Lab();
    running.call(policies.combine(total, breaker), 'hang');
    await running.clock.advance('1s');
    expect(running.resilience.circuitBreaker('b').snapshot()).toMatchObject({ calls: 1, failures: 1 });

    const waiting = new Lab();
    const policy = policies.combine(total, breaker, policies.bulkhead({ maxConcurrent: 1, maxQueue: 5 }));
    await waiting.resilience.bulkhead('op', { maxConcurrent: 1, maxQueue: 5 }).acquire();
    const queued = waiting.call(policy, 'ok', { name: 'op' });
    await waiting.clock.advance('1s');
    expect(queued.error).toMatchObject({ code: 'ERR_TIMEOUT' });
    expect(waiting.resilience.circuitBreaker('b').snapshot()).toMatchObject({ calls: 0, failures: 0 });
  });

  it('a total timeout in a pause between attempts ends the call then', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.combine(policies.retry({ backoff: '1h' }), policies.timeout({ total: '1s' })), 'fail');
    await lab.clock.advance('1s');
    expect(ending).toMatchObject({ at: 1000, error: { isTotal: true } });
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('a retry waits as long as a rate limit or an open circuit says', async () => {
    const lab = new Lab();
    const limited = policies.combine(policies.retry({ backoff: '1ms' }), policies.rateLimit({ limit: 1, per: '2s' }));
    lab.call(limited, 'ok', { name: 'l' });
    const second = lab.call(limited, 'ok', { name: 'l' });
    const open = policies.combine(
      policies.retry({ backoff: '1ms', on: [Boom, CircuitOpenError] }),
      policies.circuitBreaker({ consecutiveFailures: 1, openDuration: '3s' }),
    );
    const third = lab.call(open, 'fail ok ok', { name: 'c' });
    await lab.clock.advance('1m');
    expect(second.starts).toEqual([2000]);
    expect(third).toMatchObject({ starts: [0, 3000], value: 'ok' });
  });

  it('a fallback answers for what all others throw', async () => {
    const cases: readonly [Policy, string][] = [
      [policies.combine(policies.fallback({ value: 'FB' }), retry), 'fail'],
      [policies.combine(policies.fallback({ value: 'FB' }), policies.timeout('10ms')), 'hang'],
      [policies.combine(policies.fallback({ value: 'FB' }), policies.rateLimit({ limit: 1, cost: (() => 2) as never })), 'ok'],
      [policies.combine(policies.fallback({ value: 'FB' }), policies.timeout({ total: '10ms' })), 'hang'],
    ];
    for (const [policy, script] of cases) {
      const lab = new Lab();
      const ending = lab.call(policy, script);
      await lab.clock.advance('1s');
      expect(ending.value).toBe('FB');
    }
  });

  it('of two time limits that pass in one moment, the outer one counts', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.combine(policies.timeout({ duration: '1s', total: '1s' }), policies.retry(3)), 'hang');
    await lab.clock.advance('1m');
    expect(ending).toMatchObject({ at: 1000, starts: [0], error: { isTotal: true } });
  });

  it('with a fallback inside of a retry, a failed fallback is retried', async () => {
    const lab = new Lab({ order: inOrder('retry', 'fallback') });
    let tries = 0;
    const ending = lab.call(
      policies.combine(
        retry,
        policies.fallback(() => {
          if (++tries < 2) throw new Boom('fallback');
          return 'second fallback';
        }),
      ),
      'fail',
    );
    await lab.clock.advance('1s');
    expect(ending).toMatchObject({ value: 'second fallback', starts: [0, 10] });
  });

  it('a timeout outside of a retry bounds all attempts', async () => {
    const lab = new Lab({ order: inOrder('timeout', 'retry') });
    const ending = lab.call(policies.combine(policies.retry({ maxAttempts: 50, backoff: '100ms' }), policies.timeout('350ms')), 'fail');
    await lab.clock.advance('1m');
    expect(ending).toMatchObject({ starts: [0, 100, 200, 300], at: 350, error: { code: 'ERR_TIMEOUT' } });
  });
});

describe('a caller who aborts', () => {
  const everything = policies.combine(
    policies.fallback({ value: 'FB' }),
    policies.retry({ backoff: '1s', on: () => true }),
    policies.circuitBreaker({ name: 'b', consecutiveFailures: 1 }),
    policies.timeout('1h'),
    policies.bulkhead({ name: 'p', maxConcurrent: 1, maxQueue: 5 }),
  );

  it.each([
    ['while the method runs', 'hang', 0],
    ['during a pause', 'fail@1 ok', 500],
  ])('%s gets the reason of his own signal, and no policy counts it', async (_when, script, wait) => {
    const lab = new Lab();
    const controller = new AbortController();
    const policy = script === 'hang' ? everything : policies.combine(policies.fallback({ value: 'FB' }), policies.retry({ backoff: '1s' }));
    const ending = lab.call(policy, script, { signal: controller.signal, name: 'op' });
    await lab.clock.advance(wait);
    const reason = new Error('I have gone');
    controller.abort(reason);
    await lab.clock.settle();
    expect(ending.error).toBe(reason);
    expect(lab.resilience.metrics('op')).toMatchObject({ operations: 1, successes: 0, failures: 0, aborts: 1 });
    if (script === 'hang') expect(lab.resilience.circuitBreaker('b').snapshot()).toMatchObject({ calls: 0, state: 'closed' });
  });

  it('before the call takes nothing', async () => {
    const lab = new Lab();
    const ending = lab.call(everything, 'ok', { signal: AbortSignal.abort(new Error('gone')) });
    await lab.clock.settle();
    expect(ending).toMatchObject({ starts: [], error: new Error('gone') });
    expect(lab.resilience.bulkhead('p').running).toBe(0);
  });

  it('while a fallback works gets his reason too', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const ending = lab.call(
      policies.fallback(() => new Promise(() => undefined)),
      'fail',
      { signal: controller.signal },
    );
    await lab.clock.settle();
    controller.abort(new Error('gone'));
    await lab.clock.settle();
    expect(ending.error).toEqual(new Error('gone'));
  });

  it('leaves no listener on a signal that lives on', async () => {
    const lab = new Lab();
    const added: string[] = [];
    const { signal } = new AbortController();
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => (added.push('+'), add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (added.push('-'), remove(...args));
    lab.call(everything, 'ok', { signal });
    await lab.clock.settle();
    expect(added).toEqual(['+', '-']);
  });
});

describe('a stack trace', () => {
  it('keeps the frames of the caller through all six policies, also after a retry', async () => {
    const { resilience } = new Lab();
    const all = policies.combine(
      policies.fallback({ value: 1, on: TypeError }),
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.circuitBreaker(),
      policies.rateLimit(1000),
      policies.timeout('1s'),
      policies.bulkhead(),
    );
    async function theMethod(): Promise<never> {
      await new Promise((resolve) => setImmediate(resolve));
      throw new Boom();
    }
    async function theCaller(): Promise<void> {
      await resilience.execute(all, theMethod);
    }
    const error = (await theCaller().catch((caught: unknown) => caught)) as Error;
    expect(error.stack).toContain('theMethod');
    expect(error.stack).toContain('theCaller');
  });
});

describe('the application', () => {
  it('turned off leaves only fallbacks working', async () => {
    const lab = new Lab({ enabled: false });
    const ending = lab.call(policies.combine(policies.retry(5), policies.fallback({ value: 'FB' }), policies.timeout(1)), 'fail@100');
    await lab.clock.advance('1s');
    expect(ending).toMatchObject({ value: 'FB', starts: [0], at: 100 });
  });

  it('when drained turns away who waits, and ends pauses with the last error', async () => {
    const lab = new Lab();
    const pausing = lab.call(policies.retry({ backoff: '1h' }), 'fail:last');
    const places = policies.bulkhead({ name: 'p', maxConcurrent: 1, maxQueue: 5, queueTimeout: '1h' });
    const running = lab.call(places, 'ok@100');
    const queued = lab.call(places, 'ok');
    const limit = policies.rateLimit({ name: 'l', limit: 1, per: '1h', maxWait: '2h' });
    const paced = [lab.call(limit, 'ok'), lab.call(limit, 'ok')];
    await lab.clock.settle();
    void lab.resilience.close();
    await lab.clock.settle();
    expect(pausing.error).toEqual(new Boom('last'));
    expect(queued.error).toMatchObject({ reason: 'shutdown', isRetryable: false });
    expect(paced[1]!.error).toMatchObject({ reason: 'shutdown', isRetryable: false });
    expect(lab.clock.pendingTimers).toBe(1); // of the method that still runs
    await lab.clock.advance('1s');
    expect(running.value).toBe('ok');
  });

  it('counts per operation and in total', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.fallback({ value: 1, on: TypeError }),
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.circuitBreaker({ name: 'shared', consecutiveFailures: 4 }),
      policies.timeout('50ms'),
    );
    for (const [name, script] of [
      ['one', 'fail'],
      ['one', 'ok'],
      ['two', 'hang'],
      ['two', 'fail'],
      ['two', 'ok'],
    ] as const) {
      lab.call(policy, script, { name });
      await lab.clock.advance('1s');
    }
    const { total, byOperation } = lab.resilience.metrics();
    expect(byOperation['one']).toMatchObject({ operations: 2, successes: 1, failures: 1, retryAttempts: 1, timeouts: 0 });
    expect(byOperation['two']).toMatchObject({
      operations: 3,
      successes: 0,
      failures: 3,
      retryAttempts: 2,
      timeouts: 2,
      circuitBreakerRejections: 1,
    });
    expect(total).toMatchObject({
      operations: 5,
      successes: 1,
      failures: 4,
      circuitBreakerTrips: 1,
      retryAttempts: 3,
      bulkheadRejections: 0,
      rateLimitHits: 0,
      fallbacksServed: 0,
    });
    expect(() => lab.resilience.metrics('tow')).toThrow('there is no operation "tow"; did you mean "two"?');
  });

  it('explains what protects an operation, and whose word each option was', () => {
    const lab = new Lab({ defaults: { retry: { backoff: 'none' } } });
    lab.call(policies.combine(policies.bulkhead(5), policies.retry({ maxAttempts: 2 })), 'ok', { name: 'op' });
    const explanation = lab.resilience.explain('op');
    expect(explanation.pipeline.map(({ kind }) => kind)).toEqual(['retry', 'bulkhead']);
    expect(explanation.pipeline[0]!.options).toMatchObject({
      maxAttempts: { value: 2, source: 'execute' },
      backoff: { value: 'none', source: 'defaults' },
      respectRetryAfter: { value: true, source: 'default' },
    });
    expect(String(explanation)).toBe(
      'op\n  retry: maxAttempts 2 (execute), backoff "none" (defaults), respectRetryAfter true\n    bulkhead: maxConcurrent 5 (execute), maxQueue 0, overflow "reject", maxKeys 10000, shared false',
    );
    lab.call(policies.none(), 'ok', { name: 'bare' });
    expect(String(lab.resilience.explain('bare'))).toBe('bare: not protected');
  });

  it('runs an operation that brings its own policy', async () => {
    const lab = new Lab();
    class Charge {
      readonly operationId = 'charge';
      attempts = 0;
      isCritical(): boolean {
        return true;
      }
      resiliencePolicy() {
        return policies.combine(policies.retry({ backoff: 'none' }), policies.circuitBreaker(5, '1s'));
      }
      async execute(): Promise<string> {
        if (++this.attempts < 3) throw new Boom();
        return 'charged';
      }
    }
    await expect(lab.resilience.executeOperation(new Charge())).resolves.toBe('charged');
    await expect(lab.resilience.executeOperation(new Charge())).resolves.toBe('charged');
    expect(lab.resilience.circuitBreaker('charge').critical).toBe(true);
    expect(lab.resilience.metrics('charge')).toMatchObject({ operations: 2, retryAttempts: 4 });
  });

  it('wraps a function, with its this and its arguments', async () => {
    const lab = new Lab();
    let failed = false;
    const wrapped = lab.resilience.wrap(
      policies.retry({ backoff: 'none' }),
      async function add(this: { base: number }, a: number, b: number) {
        if (!failed) {
          failed = true;
          throw new Boom();
        }
        return this.base + a + b;
      },
    );
    await expect(wrapped.call({ base: 1 }, 2, 3)).resolves.toBe(6);
  });

  it('rejects one name for two policies', () => {
    const lab = new Lab();
    lab.call(policies.retry(2), 'ok', { name: 'op' });
    lab.call(policies.retry(2), 'ok', { name: 'op' });
    expect(() => lab.resilience.declare('op', policies.retry(3))).toThrow('execute "op": the name is in use with a different policy');
  });

  it('accepts values and foreign thenables from a task', async () => {
    const { resilience } = new Lab();
    const policy = policies.combine(policies.retry(2), policies.timeout('1s'));
    await expect(resilience.execute(policy, () => 5)).resolves.toBe(5);
    const rude = {
      then: (resolve: (value: number) => void, reject: (error: Error) => void) => (resolve(1), reject(new Error('twice')), resolve(2)),
    };
    await expect(resilience.execute(policy, () => rude as unknown as Promise<number>)).resolves.toBe(1);
  });

  it('harms no call by a listener that throws', async () => {
    const lab = new Lab({
      onEvent: () => {
        throw new Error('listener');
      },
    });
    const ending = lab.call(policies.retry({ backoff: 'none' }), 'fail ok');
    await lab.clock.settle();
    expect(ending.value).toBe('ok');
    expect(lab.logged).toEqual([expect.stringContaining('event listener threw')]);
  });

  it('tells no duration of a call that began before anybody listened', async () => {
    const lab = new Lab({ onEvent: undefined as never });
    const durations: number[] = [];
    const listen = () => lab.resilience.events$.subscribe((event) => 'durationMs' in event && durations.push(event.durationMs));
    const call = (): void => void lab.call(policies.none(), 'ok@10', { name: 'op' });
    const first = listen();
    call();
    await lab.clock.advance(10);
    first.unsubscribe();
    const wrapped = lab.resilience.wrap(policies.none(), () => lab.play('ok@10'), { name: 'wrapped' });
    const early = listen();
    void wrapped();
    await lab.clock.advance(10);
    early.unsubscribe();
    void wrapped();
    listen();
    await lab.clock.advance(10);
    expect(durations).toEqual([10, 10, Number.NaN]);
  });

  it('tells its events to whoever subscribes, until they leave', async () => {
    const { resilience } = new Lab({ onEvent: () => undefined });
    const seen: string[] = [];
    const subscription = resilience.events$.subscribe(({ type }) => seen.push(type));
    await resilience.execute(policies.none(), () => 1, { name: 'op' });
    subscription.unsubscribe();
    await resilience.execute(policies.none(), () => 1, { name: 'op2' });
    expect(seen).toEqual(['operation.succeeded']);
  });
});
