import { inspect } from 'node:util';
import { policies, type ResilienceOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';

const LIMIT = { limit: 1, per: '1m' } as const;

describe('what an operator has switched off', () => {
  it.each<[string, ResilienceOptions]>([
    ['a kind', { overrides: { '*': { circuitBreaker: false, bulkhead: false, rateLimit: false } } }],
    ['a name', { overrides: { payments: { enabled: false } } }],
    [
      'a kind by variable',
      {
        env: {
          variables: {
            RESILIENCE_CIRCUITBREAKER_ENABLED: 'false',
            RESILIENCE_BULKHEAD_ENABLED: 'false',
            RESILIENCE_RATELIMIT_ENABLED: '0',
          },
        },
      },
    ],
    ['everything', { enabled: false }],
  ])('by hand lets everything pass and says so: %s', async (_what, options) => {
    const { resilience, events } = new Lab(options);
    for (const given of [undefined, {}]) {
      const breaker = resilience.circuitBreaker('payments', given);
      for (let count = 0; count < 20; count++) breaker.acquire(`key ${count}`).failure(new Error('down'));
      expect([breaker.state, breaker.stateOf('key 1')]).toEqual(['disabled', 'disabled']);
      const bulkhead = resilience.bulkhead('payments', given);
      for (let count = 0; count < 20; count++) await bulkhead.acquire({ key: `key ${count % 3}` });
      expect(bulkhead).toMatchObject({ state: 'disabled', maxConcurrent: Infinity, queued: 0 });
      const limiter = resilience.rateLimiter('payments', given === undefined ? undefined : LIMIT);
      for (let count = 0; count < 20; count++) await limiter.acquire({ cost: 5 });
      expect([limiter.state, limiter.tryAcquire({ key: 'k' }), limiter.peek().remaining]).toEqual(['disabled', true, Infinity]);
    }
    expect(resilience.circuitBreaker('payments')).toBe(resilience.circuitBreaker('payments'));
    expect(resilience.circuitBreakers()).toEqual([]);
    expect(events).toEqual([]);
  });

  it('at the operation that declares the name leaves one that lets everything pass', () => {
    const { resilience } = new Lab({ overrides: { 'PaymentsClient.charge': { circuitBreaker: false } } });
    resilience.declare('PaymentsClient.charge', policies.circuitBreaker({ name: 'payments' }));
    expect(resilience.circuitBreaker('payments').state).toBe('disabled');
    expect(() => resilience.circuitBreaker('others')).toThrow('there is none of that name');
    expect(resilience.circuitBreaker('payments', { window: 5 }).state).toBe('disabled');
  });
});

it('a bulkhead that is switched off lets everything pass also when it is resized', () => {
  const bulkhead = new Lab({ enabled: false }).resilience.bulkhead('b', { maxConcurrent: 1 });
  bulkhead.resize(1);
  expect([bulkhead.tryAcquire(), bulkhead.tryAcquire()]).not.toContain(undefined);
  expect(bulkhead).toMatchObject({ state: 'disabled', maxConcurrent: Infinity });
});

describe('an instance by hand', () => {
  it('is shown by JSON.stringify and console.log as what can be seen of it', () => {
    const { resilience } = new Lab();
    const breaker = resilience.circuitBreaker('b', { consecutiveFailures: 1 });
    breaker.acquire().failure(new Error('down'));
    expect(JSON.parse(JSON.stringify(breaker))).toMatchObject({ name: 'b', state: 'open', failures: 1, lastError: 'Error: down' });
    expect(inspect(breaker)).toMatch(/^CircuitBreaker \{[^]*name: 'b',[^]*state: 'open'/);
    const bulkhead = resilience.bulkhead('h', { maxConcurrent: 3 });
    bulkhead.tryAcquire();
    expect(JSON.parse(JSON.stringify(bulkhead))).toEqual({
      name: 'h',
      state: 'enabled',
      running: 1,
      queued: 0,
      maxConcurrent: 3,
      rejections: 0,
    });
    expect(inspect({ bulkhead })).toContain('Bulkhead {');
    const limiter = resilience.rateLimiter('l', LIMIT);
    limiter.tryAcquire();
    expect(JSON.parse(JSON.stringify(limiter))).toMatchObject({ name: 'l', state: 'enabled', remaining: 0, allowed: 1, waiting: 0 });
    expect(inspect(limiter)).toMatch(/^RateLimiter \{/);
  });

  it('is found by reconfigure, which touches only what it names', async () => {
    const { resilience } = new Lab();
    const bulkhead = resilience.bulkhead('pool', { maxConcurrent: 10, maxQueue: 5 });
    bulkhead.resize(2);
    resilience.reconfigure('pool', { bulkhead: { maxQueue: 6 } });
    expect(bulkhead.maxConcurrent).toBe(2);
    expect(resilience.bulkhead('pool', { maxConcurrent: 10, maxQueue: 5 })).toBe(bulkhead);
    resilience.reconfigure('pool', { bulkhead: { maxConcurrent: 10 } });
    expect(bulkhead.maxConcurrent).toBe(10);
    const limiter = resilience.rateLimiter('l', LIMIT);
    resilience.reconfigure('l', { rateLimit: { limit: 5 } });
    expect(limiter.peek().remaining).toBe(5);
  });

  it('counts in the total, though no operation uses it', () => {
    const { resilience } = new Lab();
    resilience.circuitBreaker('b', { consecutiveFailures: 1 }).acquire().failure(new Error('down'));
    expect(resilience.metrics().total.circuitBreakerTrips).toBe(1);
  });
});
