import { policies, RateLimitExceededError, type RateLimitAlgorithm, type RateLimitOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';

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
    expect(limiter.peek('nobody')).toEqual({ remaining: 2, resetAfterMs: 0 });
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

  it('refuses at once what costs more than there ever is, and a retry does not help', async () => {
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
    const waiting = expect(limiter.acquire({ key: 'a' })).rejects.toMatchObject({ reason: 'limit', isRetryable: true });
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
    expect(() => new Lab().resilience.rateLimiter('l')).toThrow('l: rateLimit limit is required');
    expect(() => new Lab().resilience.rateLimiter('l', {} as RateLimitOptions)).toThrow('limit is required');
  });
});
