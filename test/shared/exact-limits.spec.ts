import { policies, type RateLimitAlgorithm, type RateLimitExceededError, type RateLimitOptions } from '../../src/core.js';
import type { ResilienceStore } from '../../src/policies/shared-store.js';
import { Lab } from '../support/lab.js';
import { ControlledStore } from './controlled-store.js';

const ALGORITHMS: readonly RateLimitAlgorithm[] = ['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'];

/** An application with the store, and one of its limiters. */
function setUp(store: ResilienceStore, options: RateLimitOptions) {
  const lab = new Lab({ store });
  const limiter = lab.resilience.rateLimiter('l', { shared: true, ...options });
  /** How an ask ended: when, and with what. */
  const ask = (request: Parameters<typeof limiter.acquire>[0] = {}): { at?: number; error?: RateLimitExceededError } => {
    const ending: { at?: number; error?: RateLimitExceededError } = {};
    limiter.acquire(request).then(
      () => (ending.at = lab.clock.now()),
      (error: RateLimitExceededError) => Object.assign(ending, { at: lab.clock.now(), error }),
    );
    return ending;
  };
  const leftovers = (): unknown => ({ waiting: limiter.waiting, timers: lab.clock.pendingTimers });
  return { lab, limiter, ask, leftovers };
}

/** What passed of those that asked. */
const passed = (endings: readonly { at?: number; error?: unknown }[]): number =>
  endings.filter(({ at, error }) => at !== undefined && error === undefined).length;

describe('a limit that two applications share exactly', () => {
  it.each(ALGORITHMS)('%s: gives back over time what both have taken, as one would', async (algorithm) => {
    const store = new ControlledStore();
    const one = setUp(store, { limit: 4, per: '1s', algorithm, maxWait: 0 });
    const other = one.lab.resilience;
    const two = new Lab({ store, clock: one.lab.clock }).resilience.rateLimiter('l', {
      limit: 4,
      per: '1s',
      algorithm,
      maxWait: 0,
      shared: true,
    });
    expect(other).toBeDefined();
    const admitted: number[] = [];
    for (let time = 0, turn = 0; time < 3000; time += 50, turn++) {
      const asked = (turn % 2 === 0 ? one.limiter : two).acquire().then(
        () => admitted.push(time),
        () => undefined,
      );
      await one.lab.clock.advance(50);
      await asked;
    }
    const expected: Record<RateLimitAlgorithm, number[]> = {
      'token-bucket': [0, 50, 100, 150, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750],
      'fixed-window': [0, 50, 100, 150, 1000, 1050, 1100, 1150, 2000, 2050, 2100, 2150],
      'sliding-window': [0, 50, 100, 150, 1250, 1500, 1750, 2000, 2350, 2700],
      'leaky-bucket': [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750],
    };
    expect(admitted).toEqual(expected[algorithm]);
  });

  it('asks once for all that ask in one turn, and names equal ones by their number', async () => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 20, per: '1m' });
    const endings = [...Array.from({ length: 30 }, () => ask()), ask({ key: 'a' }), ask({ key: 'a', cost: 2 })];
    await lab.clock.settle();
    expect(store.taken).toEqual([
      [
        { key: undefined, cost: 1, times: 30 },
        { key: 'a', cost: 1, times: 1 },
        { key: 'a', cost: 2, times: 1 },
      ],
    ]);
    expect(passed(endings)).toBe(22);
    expect(endings[25]!.error).toMatchObject({ reason: 'limit', retryAfterMs: 3000 });
  });

  it('asks for a key that is over its limit once in ten milliseconds at most, and not before its permits can be back', async () => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 1000, per: '1s' });
    await lab.clock.advance(0);
    const endings = Array.from({ length: 1000 }, () => ask());
    await lab.clock.settle();
    for (let time = 0; time < 100; time++) {
      for (let index = 0; index < 50; index++) endings.push(ask());
      await lab.clock.advance(1);
    }
    await lab.clock.advance(20);
    expect(passed(endings)).toBe(1000 + 100);
    expect(store.taken.length).toBeLessThanOrEqual(13);
  });

  it('asks nobody while it is known that nothing can be had, but for a second at most', async () => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 1, per: '1h' });
    ask();
    for (let time = 0; time < 5000; time += 100) {
      ask();
      await lab.clock.advance(100);
    }
    expect(store.taken.length).toBeLessThanOrEqual(7);
  });

  it('lets wait in order, for up to maxWait, over all instances', async () => {
    const store = new ControlledStore();
    const one = setUp(store, { limit: 10, per: '1s', burst: 1, maxWait: '250ms' });
    const two = new Lab({ store, clock: one.lab.clock }).resilience.rateLimiter('l', {
      limit: 10,
      per: '1s',
      burst: 1,
      maxWait: '250ms',
      shared: true,
    });
    const served: number[] = [];
    const endings = [one.ask(), one.ask()];
    await one.lab.clock.settle();
    void two.acquire().then(() => served.push(one.lab.clock.now()));
    await one.lab.clock.settle();
    endings.push(one.ask());
    await one.lab.clock.advance('1s');
    expect([endings[0]!.at, endings[1]!.at, served]).toEqual([0, 100, [200]]);
    expect(endings[2]).toMatchObject({ at: 0, error: { code: 'ERR_RATE_LIMITED', retryAfterMs: 300 } });
    expect(one.leftovers()).toEqual({ waiting: 0, timers: 0 });
  });

  it.each([
    ['before it is asked', 0, 0],
    ['while the store decides', 5, 1],
    ['while its turn has not come', 50, 1],
  ])('gives back what was for a caller that left %s', async (_when, afterMs, back) => {
    const store = new ControlledStore();
    store.delayMs = 10;
    const { lab, ask, leftovers, limiter } = setUp(store, { limit: 10, per: '1s', burst: 1, maxWait: '1s' });
    ask();
    const controller = new AbortController();
    const gone = ask({ signal: controller.signal });
    if (afterMs > 0) await lab.clock.advance(afterMs);
    controller.abort(new Error('gone'));
    await lab.clock.advance('1s');
    await lab.clock.advance('1s');
    expect(gone.error).toMatchObject({ message: 'gone' });
    expect([store.givenBack, limiter.allowed, leftovers()]).toEqual([back, 1, { waiting: 0, timers: 0 }]);
    expect(ask().at).toBeUndefined();
    await lab.clock.advance(20);
    expect(limiter.allowed).toBe(2);
  });

  it('gives the place of who left to the next one, and those behind it keep their times', async () => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 10, per: '1s', burst: 2, maxWait: '10s' });
    const controller = new AbortController();
    const endings = [ask(), ask(), ask({ signal: controller.signal }), ask()];
    await lab.clock.advance(50);
    controller.abort(new Error('gone'));
    await lab.clock.settle();
    endings.push(ask());
    await lab.clock.advance('2s');
    expect(endings.map(({ at }) => at)).toEqual([0, 0, 50, 200, 200]);
  });

  it('says what to use in place of tryAcquire', () => {
    const { limiter } = setUp(new ControlledStore(), { limit: 5 });
    expect(() => limiter.tryAcquire()).toThrow(/rate limit "l"|rate limiter "l".*acquire\(\)/);
  });

  it('shows what the store has said last', async () => {
    const store = new ControlledStore();
    const { lab, limiter, ask } = setUp(store, { limit: 5, per: '1s' });
    const two = new Lab({ store, clock: lab.clock }).resilience.rateLimiter('l', { limit: 5, per: '1s', shared: true });
    expect(limiter.peek('k')).toEqual({ remaining: 5, resetAfterMs: 0 });
    void two.acquire({ key: 'k', cost: 2 });
    ask({ key: 'k' });
    await lab.clock.settle();
    await lab.clock.settle();
    expect(limiter.peek('k').remaining + two.peek('k').remaining).toBe(3 + 2);
    expect(limiter.keyCount).toBe(1);
    await lab.clock.advance('1s');
    expect(limiter.peek('k')).toEqual({ remaining: 5, resetAfterMs: 0 });
  });

  it('turns away who waits too long for a shutdown, and gives the places back', async () => {
    const store = new ControlledStore();
    const { lab, ask, leftovers } = setUp(store, { limit: 10, per: '1s', burst: 1, maxWait: '10s' });
    const endings = [ask(), ask(), ask(), ask()];
    await lab.clock.advance(50);
    const drained = lab.resilience.drain({ timeout: '100ms' });
    await lab.clock.advance(200);
    await drained;
    expect(endings.map(({ at, error }) => error?.reason ?? at)).toEqual([0, 100, 'shutdown', 'shutdown']);
    expect([store.givenBack, leftovers()]).toEqual([2, { waiting: 0, timers: 0 }]);
  });

  it('rejects who waits for more than there is after a change, and counts on by the new limit what is used up', async () => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 10, per: '1s', maxWait: '10s' });
    ask({ cost: 8 });
    const big = ask({ cost: 8 });
    await lab.clock.settle();
    lab.resilience.reconfigure('l', { rateLimit: { limit: 5, burst: 5 } });
    await lab.clock.settle();
    expect(big.error).toMatchObject({ reason: 'cost' });
    const next = ask({ cost: 1 });
    await lab.clock.advance('2s');
    // 8 of 10 were used, which is more than the 5 that there are now: 4 must come back first.
    expect(next.at).toBe(800);
  });

  it('decides calls of operations, retries and fallbacks as a local one does', async () => {
    const store = new ControlledStore();
    store.delayMs = 5;
    const lab = new Lab({ store });
    const policy = policies.combine(
      policies.retry({ maxAttempts: 3, backoff: { type: 'constant', initialDelay: '600ms', jitter: 0 } }),
      policies.rateLimit({ limit: 2, per: '1s', shared: true }),
    );
    const calls = [lab.call(policy, 'ok', { name: 'op' }), lab.call(policy, 'ok', { name: 'op' }), lab.call(policy, 'ok', { name: 'op' })];
    await lab.clock.advance('5s');
    expect(calls[2]!.error).toBeUndefined();
    // The third is rejected, and after its pause half a second's permits are back.
    expect(calls.map(({ starts }) => starts[0])).toEqual([5, 5, 610]);
    expect(lab.resilience.inFlight).toBe(0);
  });
});

describe('a shared limit whose store cannot be asked', () => {
  const failures: [string, (store: ControlledStore) => void][] = [
    ['is known to be away', (store) => (store.available = false)],
    ['answers with an error', (store) => (store.mode = 'fails')],
    ['throws', (store) => (store.mode = 'throws')],
  ];

  it.each(failures)('goes on by itself with its part of the limit where it %s', async (_how, fail) => {
    const store = new ControlledStore({ expectedInstances: 5 });
    const { lab, ask } = setUp(store, { limit: 20, per: '1m' });
    fail(store);
    const endings = Array.from({ length: 30 }, () => ask());
    await lab.clock.settle();
    expect(passed(endings)).toBe(4);
    store.instances = 2;
    endings.push(...Array.from({ length: 30 }, () => ask()));
    await lab.clock.settle();
    expect(passed(endings)).toBeLessThanOrEqual(10);
  });

  it.each(failures)('lets everything pass, or nothing, as it is told to where it %s', async (_how, fail) => {
    const store = new ControlledStore({ onStoreFailure: 'allow' });
    const allowing = setUp(store, { limit: 2, per: '1m' });
    const rejecting = setUp(store, { limit: 2, per: '1m', onStoreFailure: 'reject' });
    fail(store);
    const [allowed, rejected] = [Array.from({ length: 9 }, () => allowing.ask()), Array.from({ length: 9 }, () => rejecting.ask())];
    await allowing.lab.clock.settle();
    await rejecting.lab.clock.settle();
    expect([passed(allowed), passed(rejected)]).toEqual([9, 0]);
    expect(rejected[0]!.error).toMatchObject({ reason: 'store', isRetryable: true, code: 'ERR_RATE_LIMITED' });
    expect([allowing.limiter.allowed, rejecting.limiter.rejections]).toEqual([9, 9]);
  });

  it.each(ALGORITHMS)('%s: gains at most a burst of its part from a store that comes and goes', async (algorithm) => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 10, per: '10s', algorithm, maxWait: 0 });
    const endings = Array.from({ length: 9 }, () => ask());
    await lab.clock.settle();
    for (let round = 0; round < 10; round++) {
      store.available = false;
      endings.push(...Array.from({ length: 9 }, () => ask()));
      await lab.clock.settle();
      store.available = true;
      endings.push(...Array.from({ length: 9 }, () => ask()));
      await lab.clock.advance(10);
    }
    expect(passed(endings)).toBeLessThanOrEqual(algorithm === 'leaky-bucket' ? 2 : 11);
  });

  it('tells the store when it is back what passed without it and still counts', async () => {
    const store = new ControlledStore();
    const { lab, ask } = setUp(store, { limit: 10, per: '1m', algorithm: 'fixed-window' });
    const two = new Lab({ store, clock: lab.clock }).resilience.rateLimiter('l', {
      limit: 10,
      per: '1m',
      algorithm: 'fixed-window',
      shared: true,
    });
    store.available = false;
    const alone = Array.from({ length: 7 }, () => ask());
    await lab.clock.settle();
    store.available = true;
    await lab.clock.settle();
    let others = 0;
    for (let index = 0; index < 10; index++)
      void two.acquire().then(
        () => others++,
        () => undefined,
      );
    await lab.clock.settle();
    expect([passed(alone), others]).toEqual([7, 3]);
  });

  it('lets who waits without the store leave, and keeps nothing of it', async () => {
    const store = new ControlledStore();
    const { lab, ask, leftovers } = setUp(store, { limit: 1, per: '1s', maxWait: '5s' });
    store.available = false;
    const controller = new AbortController();
    const endings = [ask(), ask({ signal: controller.signal }), ask()];
    await lab.clock.advance(100);
    controller.abort(new Error('gone'));
    await lab.clock.advance('2s');
    expect(endings.map(({ at, error }) => error?.message ?? at)).toEqual([0, 'gone', 1000]);
    expect(leftovers()).toEqual({ waiting: 0, timers: 0 });
  });
});

describe('at startup', () => {
  it('a shared limit without a store says what to import', () => {
    const lab = new Lab();
    expect(() => lab.resilience.rateLimiter('l', { limit: 5, shared: true })).toThrow(/ResilienceRedisModule.register/);
    expect(() => lab.resilience.declare('op', policies.rateLimit({ limit: 5, shared: 'leased' }))).toThrow(
      /ResilienceRedisModule.register/,
    );
  });

  it('a leaky bucket cannot be leased, and what is no way to share is named', () => {
    const lab = new Lab({ store: new ControlledStore() });
    expect(() => lab.resilience.rateLimiter('l', { limit: 5, shared: 'leased', algorithm: 'leaky-bucket' })).toThrow(
      /leaky bucket.*'exact'/,
    );
    expect(() => lab.resilience.rateLimiter('m', { limit: 5, shared: 'global' as never })).toThrow(
      /shared must be false, true, 'exact' or 'leased'/,
    );
    expect(() => lab.resilience.rateLimiter('n', { limit: 5, shared: true, onStoreFailure: 'open' as never })).toThrow(/onStoreFailure/);
  });
});
