import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createResilience, policies } from '../../src/core.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const everything = policies.combine(
  policies.fallback({ value: 'FB' }),
  policies.retry({ maxAttempts: 2, backoff: 'none' }),
  policies.circuitBreaker({ failureRateThreshold: 1 }),
  policies.rateLimit(1e9),
  policies.timeout('1h'),
  policies.bulkhead({ maxConcurrent: 100 }),
);

describe('the heap', () => {
  it.each<[string, (call: number) => Promise<unknown>]>([
    ['success', async () => 'ok'],
    ['failure, retried and answered by the fallback', (call) => (call % 2 === 0 ? Promise.resolve('ok') : Promise.reject(new Error('no')))],
  ])('is as large after a hundred thousand calls as after ten thousand, all six policies, ending in %s', async (_how, task) => {
    const resilience = createResilience();
    const run = async (calls: number): Promise<void> => {
      for (let call = 0; call < calls; call++) await resilience.execute(everything, () => task(call));
    };
    await run(10_000);
    const before = heap();
    await run(100_000);
    expect(heap() - before).toBeLessThan(1_000_000);
    void resilience.close();
  });

  it('holds at most its bound of keys', () => {
    const resilience = createResilience();
    const limiter = resilience.rateLimiter('l', { limit: 1, maxKeys: 1000 });
    const breaker = resilience.circuitBreaker('b', { maxKeys: 1000 });
    const use = (from: number): void => {
      for (let key = from; key < from + 50_000; key++) {
        limiter.tryAcquire({ key: `k${key}` });
        breaker.tryAcquire(`k${key}`)?.success();
      }
    };
    use(0);
    const before = heap();
    use(50_000);
    expect(heap() - before).toBeLessThan(1_000_000);
    expect([limiter.keyCount, breaker.keyCount]).toEqual([1000, 1000]);
  });
});
