import fc from 'fast-check';
import type { RateLimitAlgorithm, RateLimitOptions } from '../../src/core.js';
import { FakeClock } from '../../src/testing/index.js';
import { schedule } from '../properties/support.js';
import { Lab } from '../support/lab.js';
import { ControlledStore } from './controlled-store.js';

const ALGORITHMS: readonly RateLimitAlgorithm[] = ['token-bucket', 'fixed-window', 'sliding-window'];

function instanceOf(store: ControlledStore, clock: FakeClock, options: RateLimitOptions) {
  const lab = new Lab({ store, clock });
  return { lab, limiter: lab.resilience.rateLimiter('l', { shared: 'leased', ...options }) };
}

/** How many permits the store was asked for, call by call. */
const wanted = (store: ControlledStore): number[] => store.taken.flat().map(({ cost, times }) => cost * times);

describe('a leased limit', () => {
  it('spends a batch without asking, and asks for as many as are wanted in the time of one, a tenth of the limit at most', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 1000, per: '1s' });
    let passed = 0;
    for (let time = 0; time < 2000; time++) {
      void limiter.acquire().then(() => passed++);
      await clock.advance(1);
      if (time % 3 === 0)
        void limiter.acquire().then(
          () => passed++,
          () => undefined,
        );
    }
    await clock.advance(10);
    expect(passed).toBeGreaterThan(2600);
    expect(Math.max(...wanted(store))).toBeLessThanOrEqual(100);
    expect(store.taken.length).toBeLessThan(80);
  });

  it('does not wait for the store while there is something left', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 10_000, per: '1s' });
    const first = [limiter.acquire(), limiter.acquire(), limiter.acquire()];
    await clock.settle();
    await Promise.all(first);
    store.delayMs = 20;
    let waited = 0;
    for (let index = 0; index < 200; index++) {
      await clock.advance(1);
      const asked = clock.now();
      void limiter.acquire().then(() => (waited += clock.now() - asked));
    }
    await clock.advance(100);
    expect(waited).toBeLessThan(200 * 3);
  });

  it.each(ALGORITHMS)('%s: gives back what is left over when its time is over', async (algorithm) => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const one = instanceOf(store, clock, { limit: 1000, per: '1s', algorithm });
    await Promise.all([...Array.from({ length: 50 }, () => one.limiter.acquire()), clock.settle()]);
    await clock.advance(30);
    void one.limiter.acquire();
    await clock.advance(1000);
    const taken = wanted(store).reduce((sum, count) => sum + count, 0);
    expect(store.givenBack).toBe(taken - 51);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives back what is left over when the application ends, and leaves no timer', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const one = instanceOf(store, clock, { limit: 1000, per: '1h' });
    await Promise.all([one.limiter.acquire(), clock.settle()]);
    await clock.advance(10);
    void one.limiter.acquire();
    void one.limiter.acquire();
    await clock.advance(10);
    await one.lab.resilience.drain();
    await clock.settle();
    const taken = wanted(store).reduce((sum, count) => sum + count, 0);
    expect([store.givenBack, clock.pendingTimers]).toEqual([taken - 3, 0]);
  });

  it('asks no sooner than after a while when there was not enough', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 100, per: '1s' });
    let passed = 0;
    for (let time = 0; time < 3000; time++) {
      for (let index = 0; index < 5; index++)
        void limiter.acquire().then(
          () => passed++,
          () => undefined,
        );
      await clock.advance(1);
    }
    await clock.advance(10);
    expect(passed).toBeGreaterThan(100 + 270);
    expect(passed).toBeLessThanOrEqual(100 + 300 + 10);
    // A quarter of the time of a batch, which is a tenth of a second.
    expect(store.taken.length).toBeLessThanOrEqual(3000 / 25 + 15);
  });

  it('lets the store decide each permit where the limit is too small for so many instances, and says so once', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { lab, limiter } = instanceOf(store, clock, { limit: 50, per: '1s' });
    store.instances = 6;
    void limiter.acquire();
    void limiter.acquire();
    await clock.settle();
    void limiter.acquire();
    await clock.settle();
    expect(wanted(store)).toEqual([2, 1]);
    expect(lab.logged.filter((line) => line.includes('too small to be leased'))).toHaveLength(1);
    store.instances = 5;
    await clock.advance(100);
    void limiter.acquire();
    await clock.settle();
    expect(limiter.allowed).toBe(4);
  });

  it('lets the store decide a call that costs more than a batch holds', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 100, per: '1s' });
    let passed = 0;
    for (const cost of [60, 30, 30])
      void limiter.acquire({ cost }).then(
        () => passed++,
        () => undefined,
      );
    await clock.settle();
    expect(passed).toBe(2);
  });

  it('tryAcquire takes from what is here, and fetches for the next one', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 1000, per: '1s' });
    expect(limiter.tryAcquire()).toBe(false);
    await clock.settle();
    expect(limiter.tryAcquire()).toBe(true);
    expect([limiter.allowed, limiter.rejections]).toEqual([1, 1]);
  });

  it('waits for permits for up to maxWait, in order, and lets who leaves go', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { lab, limiter } = instanceOf(store, clock, { limit: 10, per: '1s', maxWait: '500ms' });
    const ended: string[] = [];
    const controller = new AbortController();
    for (let index = 0; index < 30; index++) {
      limiter.acquire(index === 12 ? { signal: controller.signal } : {}).then(
        () => ended.push(`${index}`),
        (error: Error & { reason?: string }) => ended.push(error.reason ?? error.message),
      );
    }
    await clock.advance(50);
    controller.abort(new Error('gone'));
    await clock.advance('3s');
    const served = ended.filter((one) => /^\d+$/.test(one)).map(Number);
    expect(served).toEqual(served.toSorted((a, b) => a - b));
    expect(served.length).toBeGreaterThanOrEqual(13);
    expect([ended.filter((one) => one === 'gone').length, ended.length, limiter.waiting]).toEqual([1, 30, 0]);
    await lab.resilience.drain();
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps as many keys as it may, gives back what forgotten ones have, and tells those that wait for them', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 100, per: '1s', maxKeys: 3 });
    const ended: string[] = [];
    store.delayMs = 50;
    for (let index = 0; index < 6; index++) {
      limiter.acquire({ key: `k${index}` }).then(
        () => ended.push(`k${index}`),
        (error: { reason: string }) => ended.push(error.reason),
      );
    }
    await clock.advance(100);
    expect(ended.filter((one) => one === 'displaced')).toHaveLength(3);
    expect(limiter.keyCount).toBeLessThanOrEqual(3);
    await clock.advance(1000);
    expect(store.givenBack).toBeGreaterThanOrEqual(3);
  });

  it('serves who waits by what the store says also where its answer came when the batch would be over', async () => {
    const store = new ControlledStore();
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 1000, per: '100ms' });
    store.delayMs = 90;
    let passed = 0;
    for (let index = 0; index < 20; index++) void limiter.acquire().then(() => passed++);
    await clock.advance(200);
    expect(passed).toBe(20);
  });

  it('goes on by itself while the store cannot be asked, first with what it has', async () => {
    const store = new ControlledStore({ expectedInstances: 4 });
    const clock = new FakeClock();
    const { limiter } = instanceOf(store, clock, { limit: 1000, per: '1m' });
    let passed = 0;
    const ask = (): void =>
      void limiter.acquire().then(
        () => passed++,
        () => undefined,
      );
    ask();
    await clock.settle();
    store.mode = 'fails';
    for (let index = 0; index < 400; index++) ask();
    await clock.settle();
    expect(passed).toBeLessThanOrEqual(250 + 1);
    expect(passed).toBeGreaterThan(200);
  });

  it.each(ALGORITHMS)(
    '%s: lets no more than a tenth of the limit too much pass in any stretch of time, over all instances',
    async (algorithm) => {
      const burst = fc.record({
        instance: fc.nat({ max: 2 }),
        calls: fc.integer({ min: 0, max: 60 }),
        key: fc.constantFrom(undefined, 'a'),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(100, 400),
          fc.constantFrom(1000, 3000),
          fc.constantFrom(0, 3),
          schedule(burst, 120),
          async (limit, per, delayMs, steps) => {
            const store = new ControlledStore();
            store.delayMs = delayMs;
            const clock = new FakeClock();
            const limiters = [0, 1, 2].map(() => instanceOf(store, clock, { limit, per, algorithm }).limiter);
            const started: { readonly at: number; readonly key: string | undefined }[] = [];
            for (const { afterMs, step } of steps) {
              await clock.advance(afterMs);
              for (let call = 0; call < step.calls; call++)
                limiters[step.instance]!.acquire({ key: step.key }).then(
                  () => started.push({ at: clock.now(), key: step.key }),
                  () => undefined,
                );
            }
            await clock.advance('10s');
            for (const key of [undefined, 'a']) {
              const times = started.filter((one) => one.key === key).map(({ at }) => at);
              const most = (lasted: number): number =>
                limit / 10 + limit * (1 + (algorithm === 'fixed-window' ? Math.ceil(lasted / per) : lasted / per));
              let excess = 0;
              for (let first = 0; first < times.length; first++) {
                for (let last = first; last < times.length; last++)
                  excess = Math.max(excess, last - first + 1 - most(times[last]! - times[first]!));
              }
              expect(excess).toBeLessThan(1e-6);
            }
          },
        ),
        { numRuns: Number(process.env['SHARED_SCHEDULES'] ?? 40) },
      );
    },
  );
});
