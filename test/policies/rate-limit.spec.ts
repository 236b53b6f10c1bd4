import { createResilience, policies, RateLimitExceededError, type RateLimitAlgorithm, type RateLimitOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';

const YEAR = 365 * 86_400_000;

const ALGORITHMS: readonly RateLimitAlgorithm[] = ['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'];

describe('a rate limiter', () => {
  it('gives what was taken back over time, by each algorithm in its way', async () => {
    const admitted: Record<string, number[]> = {};
    for (const algorithm of ALGORITHMS) {
      const lab = new Lab();
      const limiter = lab.resilience.rateLimiter('l', { limit: 4, per: '1s', algorithm });
      admitted[algorithm] = [];
      for (let time = 0; time < 3000; time += 50) {
        if (limiter.tryAcquire()) admitted[algorithm].push(time);
        await lab.clock.advance(50);
      }
    }
    expect(admitted).toEqual({
      'token-bucket': [0, 50, 100, 150, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750],
      'fixed-window': [0, 50, 100, 150, 1000, 1050, 1100, 1150, 2000, 2050, 2100, 2150],
      'sliding-window': [0, 50, 100, 150, 1250, 1500, 1750, 2000, 2350, 2700],
      'leaky-bucket': [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750],
    });
  });

  it.each(ALGORITHMS)('%s: a rejection says when to come again, and then there is a permit', async (algorithm) => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 3, per: '1s', algorithm, maxWait: 0 });
    for (let round = 0; round < 20; round++) {
      while (limiter.tryAcquire());
      const error = (await limiter.acquire().catch((caught: unknown) => caught)) as RateLimitExceededError;
      expect(error).toBeInstanceOf(RateLimitExceededError);
      await lab.clock.advance(error.retryAfterMs! - 0.01);
      expect(limiter.tryAcquire()).toBe(false);
      await lab.clock.advance(0.01);
      expect(limiter.tryAcquire()).toBe(true);
      await lab.clock.advance(37);
    }
  });

  it.each(ALGORITHMS)('%s: peek tells what is left and takes nothing', async (algorithm) => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 2, per: '1s', algorithm });
    const full = algorithm === 'leaky-bucket' ? 1 : 2;
    expect(limiter.peek()).toEqual({ remaining: full, resetAfterMs: 0 });
    expect(limiter.peek('nobody')).toEqual({ remaining: full, resetAfterMs: 0 });
    limiter.tryAcquire();
    const after = limiter.peek();
    expect(after.remaining).toBe(full - 1);
    expect(after.resetAfterMs).toBeGreaterThan(0);
    await lab.clock.advance(after.resetAfterMs);
    expect(limiter.peek()).toEqual({ remaining: full, resetAfterMs: 0 });
  });

  it('lets wait in order, for up to maxWait', async () => {
    const lab = new Lab();
    const policy = policies.rateLimit({ limit: 10, per: '1s', burst: 1, maxWait: '250ms' });
    const calls = [1, 2, 3, 4].map(() => lab.call(policy, 'ok', { name: 'op' }));
    await lab.clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 100, 200, undefined]);
    expect(calls[3]).toMatchObject({ at: 0, error: { code: 'ERR_RATE_LIMITED', retryAfterMs: 300 } });
    expect(lab.told.filter((type) => type.startsWith('rate-limit'))).toEqual([
      'rate-limit.delayed',
      'rate-limit.delayed',
      'rate-limit.rejected',
    ]);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('lets those behind move up when somebody leaves the line', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 10, per: '1s', burst: 1, maxWait: '10s' });
    const controllers = [1, 2, 3, 4].map(() => new AbortController());
    const served: (number | string)[][] = [];
    controllers.forEach(({ signal }, index) =>
      limiter.acquire({ signal }).then(
        () => served.push([index, lab.clock.now()]),
        (error: Error) => served.push([index, error.message]),
      ),
    );
    await lab.clock.advance(50);
    expect(limiter.waiting).toBe(3);
    controllers[1]!.abort(new Error('gone'));
    await lab.clock.advance('1s');
    expect(served).toEqual([
      [0, 0],
      [1, 'gone'],
      [2, 100],
      [3, 200],
    ]);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('lets no newcomer overtake who waits', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 10, per: '1s', maxWait: '10s' });
    const order: string[] = [];
    await limiter.acquire({ cost: 10 });
    void limiter.acquire({ cost: 5 }).then(() => order.push(`big ${lab.clock.now()}`));
    await lab.clock.advance(300);
    expect(limiter.tryAcquire()).toBe(false);
    void limiter.acquire({ cost: 1 }).then(() => order.push(`small ${lab.clock.now()}`));
    await lab.clock.advance('1s');
    expect(order).toEqual(['big 500', 'small 600']);
  });

  it('leaky bucket: starts calls evenly apart and lets only so many wait', async () => {
    const lab = new Lab();
    const policy = policies.rateLimit({ limit: 10, per: '1s', burst: 2, algorithm: 'leaky-bucket' });
    const calls = [1, 2, 3, 4].map(() => lab.call(policy, 'ok'));
    await lab.clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 100, 200, undefined]);
  });

  it('rejects at once what costs more than there ever is, and a retry does not help', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.retry(5),
      policies.rateLimit({ limit: 5, maxWait: '1h', cost: ((cost: number) => cost) as never }),
    );
    const ending = lab.call(policy, 'ok', { args: [6] });
    await lab.clock.settle();
    expect(ending.error).toMatchObject({ reason: 'cost', isRetryable: false, retryAfterMs: undefined });
    expect(ending.at).toBe(0);
  });

  it.each([Number.NaN, -1, 'many'])('fails the call where cost gives %p', async (cost) => {
    const lab = new Lab();
    const ending = lab.call(policies.rateLimit({ limit: 5, cost: (() => cost) as never }), 'ok', { name: 'op' });
    await lab.clock.settle();
    expect((ending.error as Error).message).toContain('op: @RateLimit cost must give a number >= 0, got');
  });

  it('has a limit for each key and a common one, and forgets the least used', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 1, per: '1h', maxKeys: 2 });
    const take = (key?: string): boolean => limiter.tryAcquire({ key });
    expect([take('a'), take('a'), take('b'), take(), take()]).toEqual([true, false, true, true, false]);
    expect([take('a'), take('c'), take('b'), take('a')]).toEqual([false, true, true, true]);
    expect(limiter.keyCount).toBe(2);
  });

  it('keeps a key that somebody waits for', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 1, per: '1s', maxKeys: 2, maxWait: '10s' });
    await limiter.acquire({ key: 'a' });
    let served = false;
    void limiter.acquire({ key: 'a' }).then(() => (served = true));
    for (const key of ['b', 'c', 'd', 'e']) limiter.tryAcquire({ key });
    expect(limiter.tryAcquire({ key: 'a' })).toBe(false);
    await lab.clock.advance('1s');
    expect(served).toBe(true);
  });

  it('turns away who waits for a key that must be forgotten', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 1, per: '1s', maxKeys: 1, maxWait: '10s' });
    await limiter.acquire({ key: 'a' });
    const waiting = expect(limiter.acquire({ key: 'a' })).rejects.toMatchObject({ reason: 'displaced', isRetryable: true });
    expect(limiter.tryAcquire({ key: 'b' })).toBe(true);
    await waiting;
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('takes nothing for a caller that has aborted already', async () => {
    const limiter = new Lab().resilience.rateLimiter('l', { limit: 1 });
    await expect(limiter.acquire({ signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
    expect(limiter.peek().remaining).toBe(1);
  });

  it('needs its limit when it is made by hand', () => {
    expect(() => new Lab().resilience.rateLimiter('l')).toThrow('rateLimiter("l"): there is none of that name. With options');
    expect(() => new Lab().resilience.rateLimiter('l', {} as RateLimitOptions)).toThrow('limit is required');
  });

  it.each(ALGORITHMS)(
    '%s: gives exactly its permits after a year, at any limit and for costs that are no whole numbers',
    async (algorithm) => {
      const exhausted = (options: RateLimitOptions, at: number, cost: number): number => {
        const clock = { now: () => at, setTimer: () => 0, clearTimer: () => undefined };
        const limiter = createResilience({ clock }).rateLimiter('l', { algorithm, ...options });
        let passed = 0;
        while (passed < 20_000_000 && limiter.tryAcquire({ cost })) passed++;
        return passed;
      };
      const whole = algorithm === 'leaky-bucket' ? () => 1 : (limit: number) => limit;
      for (const at of [0, 86_400_000.123, YEAR + 0.123456]) {
        for (let limit = 1; limit <= 1000; limit += 13) expect([limit, exhausted({ limit }, at, 1)]).toEqual([limit, whole(limit)]);
        for (const limit of at < YEAR ? [99_991] : [99_991, 1_000_000]) expect(exhausted({ limit, per: '1m' }, at, 1)).toBe(whole(limit));
        expect(exhausted({ limit: 7 }, at, 0.7)).toBe(whole(10));
        expect(exhausted({ limit: 1000 }, at, 0.1)).toBe(whole(10_000));
      }
    },
  );

  it.each(ALGORITHMS)('%s: works on a clock with times below zero, and gives nothing twice where it is set back', (algorithm) => {
    let now = -5000;
    const clock = { now: () => now, setTimer: () => 0, clearTimer: () => undefined };
    const limiter = createResilience({ clock }).rateLimiter('l', { limit: 1, per: 1000, algorithm });
    expect([limiter.tryAcquire(), limiter.tryAcquire()]).toEqual([true, false]);
    now = -2000;
    expect([limiter.tryAcquire(), limiter.tryAcquire()]).toEqual([true, false]);
    now = -2500;
    expect(limiter.tryAcquire()).toBe(false);
  });

  it.each(ALGORITHMS)('%s: takes no cost by hand that cannot be counted', async (algorithm) => {
    const limiter = new Lab().resilience.rateLimiter('l', { limit: 5, algorithm });
    for (const cost of [Number.NaN, -1, -Infinity, '2', 1n, null, {}] as number[]) {
      expect(() => limiter.tryAcquire({ cost })).toThrow('rate limiter "l": cost must be a number >= 0, got');
      await expect(limiter.acquire({ cost })).rejects.toThrow('cost must be a number >= 0');
    }
    expect(limiter.tryAcquire({ cost: Infinity })).toBe(false);
    expect(limiter.peek()).toEqual({ remaining: algorithm === 'leaky-bucket' ? 1 : 5, resetAfterMs: 0 });
  });

  it('counts what tryAcquire rejects, and tells of it', () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 2 });
    for (let index = 0; index < 5; index++) limiter.tryAcquire({ key: 'eve' });
    limiter.tryAcquire({ cost: 3 });
    expect([limiter.allowed, limiter.rejections]).toEqual([2, 4]);
    expect(
      lab.events.map((event) => (event.type === 'rate-limit.rejected' ? [event.reason, event.key, event.retryAfterMs] : event.type)),
    ).toEqual([
      ['limit', 'eve', 500],
      ['limit', 'eve', 500],
      ['limit', 'eve', 500],
      ['cost', undefined, undefined],
    ]);
  });

  it('takes any value that has one text for a key, and fails the call for others with nothing taken', async () => {
    const lab = new Lab();
    const policy = policies.rateLimit({ name: 'l', limit: 1, per: '1h', key: ((key: unknown) => key) as never });
    const call = (key: unknown) => lab.call(policy, 'ok', { name: 'op', args: [key] });
    const [number, same, big, hostile] = [call(1), call('1'), call(7n), call(['1'])];
    await lab.clock.settle();
    expect([number.value, (same.error as Error).message, big.value]).toEqual([
      'ok',
      'Rate limit "l" for key "1": no permit left (1 in 3600 s); next one in 60 min'.replace('3600 s', '60 min'),
      'ok',
    ]);
    expect((hostile.error as Error).message).toBe(
      'op: the key function of @RateLimit must give text, a number, a bigint or a boolean, got ["1"]',
    );
    const limiter = lab.resilience.rateLimiter('l');
    expect([limiter.keyCount, limiter.peek().remaining, limiter.peek(7).remaining]).toEqual([2, 1, 0]);
    expect(() => limiter.peek({} as never)).toThrow('the key for rate limiter "l" must give text');
  });

  it('limits a key on while others are evicted whose callers wait, and tells those', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 1, per: '1s', maxWait: '1s', maxKeys: 3 });
    const reasons: unknown[] = [];
    for (const key of ['a', 'b', 'c']) {
      limiter.tryAcquire({ key });
      limiter.acquire({ key }).catch((error: RateLimitExceededError) => reasons.push([key, error.reason]));
    }
    limiter.tryAcquire({ key: 'd' });
    expect(lab.events.at(-1)).toMatchObject({ type: 'rate-limit.rejected', reason: 'displaced', key: 'a' });
    expect(limiter.rejections).toBe(1);
    await lab.clock.advance('10s');
    expect([limiter.waiting, reasons]).toEqual([0, [['a', 'displaced']]]);
    let passed = 0;
    for (let round = 0; round < 50; round++) for (const key of ['x', 'y', 'z']) if (limiter.tryAcquire({ key })) passed++;
    expect(passed).toBe(3);
  });

  it('sells no new guesses for a flood of other keys', () => {
    const limiter = new Lab().resilience.rateLimiter('logins', { limit: 5, per: '1h', maxKeys: 1000 });
    while (limiter.tryAcquire({ key: 'victim' }));
    for (let index = 0; index < 10_000; index++) limiter.tryAcquire({ key: `cheap ${index}` });
    expect(limiter.tryAcquire({ key: 'victim' })).toBe(false);
  });

  it('rejects who waits for more than there is after a change', async () => {
    for (const algorithm of ['token-bucket', 'fixed-window', 'sliding-window'] as const) {
      const lab = new Lab();
      const limiter = lab.resilience.rateLimiter('l', { limit: 10, per: '1s', algorithm, maxWait: '1h' });
      await limiter.acquire({ cost: 10 });
      const big = expect(limiter.acquire({ cost: 8 })).rejects.toMatchObject({ reason: 'cost', isRetryable: false });
      let served = false;
      void limiter.acquire({ cost: 2 }).then(() => (served = true));
      limiter.reconfigure({ ...limiter.settings, limit: 4, burst: 4 });
      await big;
      await lab.clock.advance('10s');
      expect([served, limiter.waiting, lab.clock.pendingTimers]).toEqual([true, 0, 0]);
    }
  });

  it('lets only maxQueue wait, and for ever where maxWait is Infinity', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 1, per: '1d', maxWait: Infinity, maxQueue: 2 });
    await limiter.acquire();
    const served: number[] = [];
    for (let index = 0; index < 2; index++) void limiter.acquire().then(() => served.push(lab.clock.now()));
    await expect(limiter.acquire()).rejects.toMatchObject({ reason: 'limit', retryAfterMs: 3 * 86_400_000 });
    await lab.clock.advance('2d');
    expect(served).toEqual([86_400_000, 2 * 86_400_000]);
  });

  it('has one line a key, also where a listener asks for the same key at once', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('l', { limit: 1, per: '1s', maxWait: '1h' });
    const order: string[] = [];
    let asked = false;
    lab.resilience.on('rate-limit.delayed', () => {
      if (asked) return;
      asked = true;
      void limiter.acquire({ key: 'a' }).then(() => order.push(`listener ${lab.clock.now()}`));
    });
    await limiter.acquire({ key: 'a' });
    void limiter.acquire({ key: 'a' }).then(() => order.push(`caller ${lab.clock.now()}`));
    expect(limiter.waiting).toBe(2);
    await lab.clock.advance('5s');
    expect([order, limiter.waiting]).toEqual([['caller 1000', 'listener 2000'], 0]);
  });

  it('answers a call whose wait a listener ends in the moment in which it begins', async () => {
    const lab = new Lab();
    const policy = policies.rateLimit({ name: 'l', limit: 1, per: '1h', maxWait: '1d', maxKeys: 1, key: (key: string) => key });
    lab.call(policy, 'ok', { args: ['a'] });
    lab.resilience.on('rate-limit.delayed', () => lab.resilience.rateLimiter('l').tryAcquire({ key: 'b' }));
    const waiting = lab.call(policy, 'ok', { args: ['a'] });
    await lab.clock.settle();
    expect(waiting.error).toMatchObject({ reason: 'displaced' });
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('gives the permit back of who aborts in the moment of being served', async () => {
    let now = 0;
    let fire: () => void = () => undefined;
    const clock = { now: () => now, setTimer: (callback: () => void) => (fire = callback), clearTimer: () => undefined };
    const limiter = createResilience({ clock }).rateLimiter('l', { limit: 1, per: '1s', maxWait: '1h' });
    await limiter.acquire();
    const controller = new AbortController();
    const waiting = limiter.acquire({ signal: controller.signal });
    now = 1000;
    fire();
    controller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect([limiter.peek().remaining, limiter.allowed]).toEqual([1, 1]);
  });
});
