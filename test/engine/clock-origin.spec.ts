import { createResilience, policies, type Clock } from '../../src/core.js';
import { FakeClock } from '../../src/testing/index.js';

const ALGORITHMS = ['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'] as const;

/** What a service of every kind of policy goes through, in times from its start. */
async function story(origin: number): Promise<readonly string[]> {
  const time = new FakeClock();
  const clock: Clock = {
    now: () => origin + time.now(),
    setTimer: (callback, delayMs) => time.setTimer(callback, delayMs),
    clearTimer: (handle) => time.clearTimer(handle),
  };
  const resilience = createResilience({ clock, random: () => 0.5, logger: { warn: () => undefined, error: () => undefined } });
  const told: string[] = [];
  const tell = (what: string): void => void told.push(`${what} at ${Math.round(time.now())}`);
  resilience.measure();
  for (const algorithm of ALGORITHMS) {
    const wait = algorithm === 'leaky-bucket' ? {} : ({ maxWait: '5s' } as const);
    const limiter = resilience.rateLimiter(algorithm, { limit: 3, per: '1s', algorithm, ...wait });
    for (let turn = 0; turn < 7; turn++)
      limiter.acquire().then(
        () => tell(algorithm),
        () => tell(`${algorithm} refuses`),
      );
    await time.advance('10s');
    tell(`${algorithm} has ${limiter.peek().remaining}`);
  }
  for (const window of ['1s', 5] as const) {
    const breaker = resilience.circuitBreaker(`of ${window}`, { window, minimumCalls: 4, openDuration: '1s', automaticHalfOpen: true });
    resilience.on('circuit-breaker.*', ({ type }) => tell(type));
    for (let call = 0; call < 10; call++) {
      const permit = breaker.tryAcquire();
      if (call % 2 === 0) permit?.success();
      else permit?.failure(new Error('down'));
      await time.advance(150);
    }
    tell(breaker.state);
  }
  const retry = policies.retry({
    maxAttempts: 10,
    backoff: { initialDelay: 10 },
    maxDuration: 200,
    budget: { ratio: 0.5, minPerSecond: 1 },
  });
  const failing = resilience.execute(
    policies.combine(retry, policies.timeout({ duration: 20, total: 500 })),
    ({ attempt, deadline }) => {
      tell(`attempt ${attempt} of ${Math.round(deadline! - clock.now())} ms`);
      return new Promise(() => undefined);
    },
    { name: 'op' },
  );
  failing.catch((error: Error) => tell(error.message));
  await time.advance('10s');
  const bulkhead = resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 1, queueTimeout: 30 });
  bulkhead.tryAcquire();
  bulkhead.acquire().catch((error: Error) => tell(error.message));
  await time.advance(100);
  tell(`${time.pendingTimers} timers`);
  return told;
}

describe('a clock whose origin is arbitrary', () => {
  it.each([-1000, -86_400_000, -86_400_000 * 365, 86_400_000 * 365])('tells the same story from %d ms on as from 0', async (origin) => {
    const fromZero = await story(0);
    expect(fromZero.length).toBeGreaterThan(50);
    expect(await story(origin)).toEqual(fromZero);
  });
});
