import {
  CircuitOpenError,
  policies,
  ResilienceError,
  TimeoutExceededError,
  type BackoffOptions,
  type RetryOptions,
} from '../../src/core.js';
import { nextDelay } from '../../src/policies/retry/backoff.js';
import { parseRetryAfter, retryAfterOf } from '../../src/policies/retry/retry-after.js';
import { RetryBudget } from '../../src/policies/retry/retry-budget.js';
import { Boom, Lab } from '../support/lab.js';

const base = { type: 'exponential', initialDelay: 100, multiplier: 2, maxDelay: 30_000, jitter: 'none' } as const;

describe('a backoff', () => {
  it.each<[string, Partial<typeof base> | BackoffOptions, number, number, number]>([
    ['doubles', {}, 1, 0.5, 100],
    ['doubles', {}, 4, 0.5, 800],
    ['stays at the cap', {}, 10, 0.5, 30_000],
    ['does not overflow', {}, 1025, 0.5, 30_000],
    ['does not overflow', {}, Number.MAX_SAFE_INTEGER, 0.5, 30_000],
    ['grows linearly', { type: 'linear' }, 3, 0.5, 300],
    ['stays', { type: 'constant' }, 7, 0.5, 100],
    ['full jitter, lowest', { jitter: 'full' }, 2, 0, 0],
    ['full jitter, middle', { jitter: 'full' }, 2, 0.5, 100],
    ['equal jitter, lowest', { jitter: 'equal' }, 2, 0, 100],
    ['equal jitter, highest', { jitter: 'equal' }, 2, 0.999999, 199.9999],
    ['a number, lowest', { jitter: 0.25 }, 1, 0, 75],
    ['a number, highest', { jitter: 0.25 }, 1, 0.999999, 124.99995],
    ['a number at the cap', { jitter: 0.5 }, 20, 0.999999, 30_000],
    ['decorrelated, lowest', { jitter: 'decorrelated' }, 1, 0, 100],
    ['without a bound does not overflow', { maxDelay: Infinity }, 1025, 0.5, Number.MAX_SAFE_INTEGER],
    ['without a bound and with full jitter is a number', { maxDelay: Infinity, jitter: 'full' }, 1025, 0, 0],
    ['decorrelated, highest', { jitter: 'decorrelated' }, 1, 0.999999, 299.9998],
  ])('%s', (_what, changes, attempt, random, expected) => {
    expect(nextDelay({ ...base, ...(changes as object) }, attempt, undefined, () => random)).toBeCloseTo(expected, 3);
  });
});

describe('Retry-After', () => {
  it('of headers that answer later asks for nothing, and their rejection ends no process', async () => {
    const headers = { get: () => Promise.reject(new Error('later')) };
    expect(retryAfterOf({ response: { headers } }, () => 0)).toBeUndefined();
    await new Promise(setImmediate);
  });

  const now = () => Date.UTC(2026, 0, 1);

  it.each([
    ['120', 120_000],
    [' 1.5 ', 1500],
    [3, 3000],
    [['7'], 7000],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
    ['Wed, 31 Dec 2025 23:59:59 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    [-5, undefined],
    [undefined, undefined],
    ['', undefined],
    [Number.NaN, undefined],
    ['9'.repeat(400), Infinity],
  ])('%j is %p ms', (header, milliseconds) => {
    expect(parseRetryAfter(header, now)).toBe(milliseconds);
  });

  it.each([
    [{ retryAfterMs: 5 }, 5],
    [{ retryAfterMs: -5 }, undefined],
    [{ response: { headers: { 'Retry-After': '2' } } }, 2000],
    [{ response: { headers: new Headers({ 'retry-after': '2' }) } }, 2000],
    [{ response: { headers: { other: '2' } } }, undefined],
    [{ response: {} }, undefined],
    [{ response: null }, undefined],
    ['text', undefined],
    [null, undefined],
  ])('of %j is %p ms', (error, milliseconds) => {
    expect(retryAfterOf(error, now)).toBe(milliseconds);
  });
});

describe('a retry', () => {
  it('tries until it succeeds, with the delays between', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.retry({ maxAttempts: 5, backoff: '100ms' }), 'fail@10 fail@10 ok:done@10');
    await lab.clock.advance('1s');
    expect(ending).toEqual({ starts: [0, 110, 220], value: 'done', at: 230 });
  });

  it('throws the last error as it is', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.retry({ maxAttempts: 3, backoff: 'none' }), 'fail:one fail:two fail:three');
    await lab.clock.settle();
    expect(ending.error).toBeInstanceOf(Boom);
    expect((ending.error as Boom).message).toBe('three');
    expect((ending.error as Boom).cause).toBeUndefined();
  });

  it('with one attempt never tries again', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.retry(1), 'fail');
    await lab.clock.advance('1h');
    expect(ending.starts).toEqual([0]);
    expect(lab.told).toEqual(['operation.failed']);
  });

  it('by default waits by exponential backoff with full jitter', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.retry(), 'fail');
    await lab.clock.advance('1h');
    expect(ending.starts).toEqual([0, 50, 150]); // random 0.5 of 100 and 200
  });

  it('gives each attempt the error of the one before', async () => {
    const lab = new Lab();
    const seen: unknown[] = [];
    const call = lab.resilience.execute(policies.retry({ maxAttempts: 3, backoff: 'none' }), ({ attempt, previousError }) => {
      seen.push(attempt, (previousError as Error | undefined)?.message);
      throw new Boom(`of ${attempt}`);
    });
    await expect(call).rejects.toThrow('of 3');
    expect(seen).toEqual([1, undefined, 2, 'of 1', 3, 'of 2']);
  });

  describe('looks at', () => {
    class Special extends Boom {}
    const attempts = async (options: RetryOptions, error: unknown): Promise<number> => {
      let count = 0;
      await new Lab().resilience
        .execute(policies.retry({ maxAttempts: 2, backoff: 'none', ...options }), () => {
          count++;
          throw error;
        })
        .catch(() => undefined);
      return count;
    };

    it.each<[string, RetryOptions, unknown, number]>([
      ['any error by default', {}, new Boom(), 2],
      ['no client error', {}, Object.assign(new Boom(), { status: 404 }), 1],
      ['429 all the same', {}, Object.assign(new Boom(), { status: 429 }), 2],
      ['errors of a class', { on: Special }, new Boom(), 1],
      ['errors of a class', { on: Special }, new Special(), 2],
      ['errors of a base class', { on: Boom }, new Special(), 2],
      ['errors of a list', { on: [TypeError, Special] }, new TypeError(), 2],
      ['errors by a predicate', { on: (error) => error === 5 }, 5, 2],
      ['errors by a predicate', { on: (error) => error === 5 }, 6, 1],
      ['no ignored error', { on: Boom, ignore: Special }, new Special(), 1],
      ['no ignored error of a default', { ignore: (error) => error === 5 }, 5, 1],
      ['no open circuit by default', {}, new CircuitOpenError('m', {}), 1],
      ['no open circuit for Error', { on: Error }, new CircuitOpenError('m', {}), 1],
      ['an open circuit that is listed', { on: [CircuitOpenError] }, new CircuitOpenError('m', {}), 2],
      ['an open circuit for the base of all', { on: ResilienceError }, new CircuitOpenError('m', {}), 2],
      ['an open circuit by a predicate', { on: () => true }, new CircuitOpenError('m', {}), 2],
      ['a timeout', {}, new TimeoutExceededError('m', 5, false, {}), 2],
    ])('%s', async (_what, options, error, expected) => {
      await expect(attempts(options, error)).resolves.toBe(expected);
    });
  });

  it.each<[string, RetryOptions, readonly number[]]>([
    ['a predicate that says yes to all does not sit it out', { on: () => true }, [0]],
    ['a predicate waits where the next trial comes before its own delay', { on: () => true, backoff: '4s' }, [0, 4000]],
    ['its class does', { on: CircuitOpenError }, [0, 3000]],
  ])('of an open circuit: %s', async (_what, options, starts) => {
    const lab = new Lab();
    const seen: number[] = [];
    lab.resilience
      .execute(policies.retry({ maxAttempts: 2, backoff: '10ms', ...options }), () => {
        seen.push(lab.clock.now());
        throw new CircuitOpenError('m', { retryAfterMs: 3000 });
      })
      .catch(() => undefined);
    await lab.clock.advance('1m');
    expect(seen).toEqual(starts);
  });

  it('tells `on` and `ignore` the arguments of the call', async () => {
    const lab = new Lab();
    const asked: unknown[] = [];
    const policy = policies.retry({
      maxAttempts: 2,
      backoff: 'none',
      on: (_error, order: string, amount: number) => asked.push(['on', order, amount]) > 0,
      ignore: (_error, order: string) => asked.push(['ignore', order]) === 0,
    });
    const ending = lab.call(policy, 'fail ok', { args: ['o1', 5] });
    await lab.clock.settle();
    expect(ending.value).toBe('ok');
    expect(asked).toEqual([
      ['ignore', 'o1'],
      ['on', 'o1', 5],
    ]);
  });

  it.each<['on' | 'ignore' | 'onResult', string]>([
    ['on', 'fail ok'],
    ['ignore', 'fail ok'],
    ['onResult', 'ok bad'],
  ])('goes on as if it were not there, and says so, where `%s` gives a promise', async (option, script) => {
    const lab = new Lab();
    const predicate = (async () => Promise.reject(new Error('late'))) as never;
    const ending = lab.call(policies.retry({ maxAttempts: 2, backoff: 'none', [option]: predicate }), script);
    await lab.clock.settle();
    expect(ending.value).toBe('ok');
    expect(lab.events.filter(({ type }) => type === 'callback.failed')).toEqual([
      expect.objectContaining({ callback: `@Retry ${option}` }),
    ]);
  });

  it('retries a bad result, and gives the last one when attempts are used up', async () => {
    const lab = new Lab();
    const policy = policies.retry({ maxAttempts: 3, backoff: '10ms', onResult: (value: string) => value.startsWith('bad') });
    const mended = lab.call(policy, 'ok:bad ok:good');
    const never = lab.call(policy, 'ok:bad1 ok:bad2 ok:bad3');
    await lab.clock.advance('1s');
    expect(mended).toMatchObject({ value: 'good', starts: [0, 10] });
    expect(never).toMatchObject({ value: 'bad3', starts: [0, 10, 20] });
  });

  it('starts no attempt that would begin after maxDuration', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.retry({ maxAttempts: 100, backoff: '300ms', maxDuration: '1s' }), 'fail@100');
    await lab.clock.advance('1m');
    expect(ending.starts).toEqual([0, 400, 800]);
    expect(ending.at).toBe(900);
  });

  it('waits at least for what the error asks', async () => {
    const lab = new Lab();
    const starts: number[] = [];
    const call = lab.resilience.execute(policies.retry({ maxAttempts: 2, backoff: '10ms' }), () => {
      starts.push(lab.clock.now());
      throw Object.assign(new Boom(), { response: { headers: { 'retry-after': '2' } } });
    });
    call.catch(() => undefined);
    await lab.clock.advance('10s');
    expect(starts).toEqual([0, 2000]);
    await expect(call).rejects.toThrow(Boom);
  });

  it.each<[string, RetryOptions, number, number[]]>([
    ['beyond maxDelay', { backoff: { type: 'constant', initialDelay: 10, maxDelay: '1s', jitter: 'none' } }, 1001, [0]],
    ['within maxDelay', { backoff: { type: 'constant', initialDelay: 10, maxDelay: '1s', jitter: 'none' } }, 1000, [0, 1000]],
    ['beyond maxDuration', { backoff: '10ms', maxDuration: '5s' }, 5001, [0]],
    ['beyond maxDelay, within maxDuration', { backoff: { initialDelay: 10, maxDelay: 100 }, maxDuration: '5s' }, 4000, [0, 4000]],
    ['not respected', { backoff: '10ms', respectRetryAfter: false }, 5000, [0, 10]],
  ])('an asked delay %s', async (_what, options, retryAfterMs, starts) => {
    const lab = new Lab();
    const seen: number[] = [];
    lab.resilience
      .execute(policies.retry({ maxAttempts: 2, ...options }), () => {
        seen.push(lab.clock.now());
        throw Object.assign(new Boom(), { retryAfterMs });
      })
      .catch(() => undefined);
    await lab.clock.advance('1m');
    expect(seen).toEqual(starts);
  });

  it('takes its delays from a function, which can stop it', async () => {
    const lab = new Lab();
    const inputs: unknown[] = [];
    const policy = policies.retry({
      maxAttempts: 10,
      backoff: ({ attempt, error, previousDelay }) => {
        inputs.push([attempt, (error as Error).message, previousDelay]);
        return attempt < 3 ? `${attempt * 10}ms` : -1;
      },
    });
    const ending = lab.call(policy, 'fail');
    await lab.clock.advance('1s');
    expect(ending.starts).toEqual([0, 10, 30]);
    expect(inputs).toEqual([
      [1, 'boom', undefined],
      [2, 'boom', 10],
      [3, 'boom', 20],
    ]);
  });

  it.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['gives no duration', () => 'soon' as never],
    ['gives a promise', (async () => 5) as never],
    ['gives Infinity', () => Infinity as never],
    ['gives NaN', () => Number.NaN as never],
  ])('stops, and says so, where its backoff function %s', async (_what, backoff) => {
    const lab = new Lab();
    const ending = lab.call(policies.retry({ backoff }), 'fail:mine', { name: 'op' });
    await lab.clock.advance('1h');
    expect((ending.error as Error).message).toBe('mine');
    expect(ending.starts).toEqual([0]);
    expect(lab.told).toContain('callback.failed');
    expect(lab.logged).toEqual([expect.stringContaining('op: @Retry backoff threw')]);
  });

  it('says so where `onRetry` gives a promise that is rejected', async () => {
    const lab = new Lab();
    const onRetry = async (): Promise<never> => Promise.reject(new Error('hook'));
    const ending = lab.call(policies.retry({ maxAttempts: 2, backoff: 'none', onRetry }), 'fail ok');
    await lab.clock.settle();
    expect(ending.value).toBe('ok');
    expect(lab.told).toContain('callback.failed');
  });

  it('never pauses for ever: an error that asks for Infinity ends the retrying', async () => {
    const lab = new Lab();
    const policy = policies.retry({ backoff: { initialDelay: 10, maxDelay: Infinity } });
    const call = lab.resilience.execute(policy, () => Promise.reject(Object.assign(new Boom(), { retryAfterMs: Infinity })));
    await expect(call).rejects.toThrow(Boom);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('goes on when onRetry throws, and says so', async () => {
    const lab = new Lab();
    const policy = policies.retry({
      maxAttempts: 3,
      backoff: '10ms',
      onRetry: () => {
        throw new Error('hook');
      },
    });
    const ending = lab.call(policy, 'fail fail ok');
    await lab.clock.advance('1s');
    expect(ending.value).toBe('ok');
    expect(lab.told.filter((type) => type === 'callback.failed')).toHaveLength(2);
    expect(lab.logged).toHaveLength(1);
  });

  it('falls back to the default where `on` throws, and says so', async () => {
    const lab = new Lab();
    const ending = lab.call(
      policies.retry({
        maxAttempts: 2,
        backoff: 'none',
        on: () => {
          throw new Error('predicate');
        },
      }),
      'fail ok',
    );
    await lab.clock.settle();
    expect(ending.value).toBe('ok');
    expect(lab.told).toContain('callback.failed');
  });

  it('tells what it does', async () => {
    const lab = new Lab();
    lab.call(policies.retry({ maxAttempts: 2, backoff: '10ms' }), 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    expect(lab.events).toEqual([
      expect.objectContaining({
        type: 'retry.scheduled',
        operationId: 'op',
        policyName: 'op',
        attempt: 1,
        delayMs: 10,
        error: expect.any(Boom) as unknown,
      }),
      expect.objectContaining({ type: 'retry.exhausted', attempt: 2 }),
      expect.objectContaining({ type: 'operation.failed', attempts: 2, durationMs: 10 }),
    ]);
  });

  it('gives the event loop its turn where it tries without end and without delay', async () => {
    const lab = new Lab();
    let attempts = 0;
    const controller = new AbortController();
    const call = lab.resilience.execute(
      policies.retry({ maxAttempts: Infinity, backoff: 'none' }),
      () => {
        attempts++;
        throw new Boom();
      },
      { signal: controller.signal },
    );
    const outcome = expect(call).rejects.toThrow('enough');
    await lab.clock.settle();
    expect(attempts).toBe(99);
    await lab.clock.advance('5ms');
    expect(attempts).toBe(599);
    controller.abort(new Error('enough'));
    await outcome;
  });

  it('keeps no timer when the caller aborts its wait', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const ending = lab.call(policies.retry({ backoff: '1h' }), 'fail', { signal: controller.signal });
    await lab.clock.advance('1s');
    expect(lab.clock.pendingTimers).toBe(1);
    controller.abort(new Error('enough'));
    await lab.clock.settle();
    expect(ending).toMatchObject({ error: new Error('enough'), at: 1000 });
    expect(lab.clock.pendingTimers).toBe(0);
  });
});

describe('a retry budget', () => {
  it('lets as many retries through as the calls allow', () => {
    const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0, window: 10_000 });
    for (let call = 0; call < 20; call++) budget.countCall(0);
    expect([1, 2, 3, 4, 5].map(() => budget.tryRetry(100))).toEqual([true, true, true, true, false]);
  });

  it('lets a few through without any calls', () => {
    const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0.3, window: 10_000 });
    expect([1, 2, 3, 4].map(() => budget.tryRetry(0))).toEqual([true, true, true, false]);
  });

  it('forgets what has left the window', () => {
    const budget = new RetryBudget({ ratio: 1, minPerSecond: 0, window: 1000 });
    budget.countCall(0);
    expect(budget.tryRetry(0)).toBe(true);
    budget.countCall(5000);
    expect([budget.tryRetry(5000), budget.tryRetry(5000)]).toEqual([true, false]);
  });

  it('is shared by all retries of its name', async () => {
    const lab = new Lab();
    const policy = () =>
      policies.retry({ name: 'shared', maxAttempts: 10, backoff: 'none', budget: { ratio: 0, minPerSecond: 0.3, window: '10s' } });
    const [first, second] = [lab.call(policy(), 'fail'), lab.call(policy(), 'fail')];
    await lab.clock.settle();
    expect(first.starts.length + second.starts.length).toBe(5); // two calls and three retries
    expect(lab.told).toContain('retry.budget-exhausted');
  });
});
