import { types } from 'node:util';
import {
  BulkheadFullError,
  CircuitOpenError,
  createResilience,
  isTransientError,
  policies,
  RateLimitExceededError,
  ResilienceConfigError,
  ResilienceError,
  TimeoutExceededError,
} from '../../src/core.js';
import { formatError } from '../../src/engine/error.js';
import { Lab } from '../support/lab.js';

const all = [
  [new CircuitOpenError('m', { retryAfterMs: 5 }), 'CircuitOpenError', 'ERR_CIRCUIT_OPEN', 503, false, true],
  [new BulkheadFullError('m', 'capacity', {}), 'BulkheadFullError', 'ERR_BULKHEAD_FULL', 503, true, true],
  [new BulkheadFullError('m', 'shutdown', {}), 'BulkheadFullError', 'ERR_BULKHEAD_FULL', 503, false, true],
  [new RateLimitExceededError('m', 'limit', {}), 'RateLimitExceededError', 'ERR_RATE_LIMITED', 429, true, false],
  [new RateLimitExceededError('m', 'cost', {}), 'RateLimitExceededError', 'ERR_RATE_LIMITED', 429, false, false],
  [new TimeoutExceededError('m', 5, false, {}), 'TimeoutExceededError', 'ERR_TIMEOUT', 504, true, false],
] as const;

describe('an error of the library', () => {
  it.each(all)('%s says what it is', (error, name, code, status, isRetryable, isServiceUnavailable) => {
    expect(types.isNativeError(error)).toBe(true);
    expect({
      ...error,
      name: error.name,
      code: error.code,
      status: error.status,
      statusCode: error.statusCode,
      expose: error.expose,
    }).toMatchObject({
      name,
      code,
      status,
      statusCode: status,
      expose: false,
    });
    expect(error.isRetryable).toBe(isRetryable);
    expect(error.isServiceUnavailable).toBe(isServiceUnavailable);
    expect(String(error)).toBe(`${name}: m`);
  });

  it('is an instance of its class, of the base and of Error, and of no other class', () => {
    const error: unknown = new CircuitOpenError('m', {});
    expect([ResilienceError, CircuitOpenError, Error].map((one) => error instanceof one)).toEqual([true, true, true]);
    expect([BulkheadFullError, ResilienceConfigError, TimeoutExceededError].map((one) => error instanceof one)).toEqual([
      false,
      false,
      false,
    ]);
    expect([null, undefined, 5, {}, new Error('x')].map((value) => value instanceof ResilienceError)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('is known as an instance of a class that a user derives', () => {
    class Ours extends CircuitOpenError {}
    expect(new Ours('m', {}) instanceof Ours).toBe(true);
    expect(new Ours('m', {}) instanceof CircuitOpenError).toBe(true);
  });

  it('has no stack trace, unless asked for', async () => {
    const policy = policies.circuitBreaker({ name: 'b' });
    for (const stackTraces of [false, true]) {
      const resilience = createResilience({ stackTraces });
      resilience.circuitBreaker('b', {}).forceOpen();
      const error = await resilience.execute(policy, () => 1).catch((caught: unknown) => caught as Error);
      expect((error as Error).stack!.includes('\n    at ')).toBe(stackTraces);
    }
    expect(new Error('after').stack).toContain('\n    at ');
  });

  it('tells the figures', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ window: 10, minimumCalls: 10, openDuration: '12300ms' });
    for (const step of 'fail fail fail fail fail fail fail ok ok ok'.split(' ')) lab.call(policy, step, { name: 'payments' });
    await lab.clock.advance(0);
    const { error } = await settled(lab, policy);
    expect((error as Error).message).toBe('Circuit breaker "payments" is open (7 of 10 calls failed); next trial in 12.3 s');
    expect(error).toMatchObject({ operationId: 'payments', policyName: 'payments', retryAfterMs: 12_300 });
  });

  async function settled(lab: Lab, policy: Parameters<Lab['call']>[0]) {
    const ending = lab.call(policy, 'ok', { name: 'payments' });
    await lab.clock.advance(0);
    return ending;
  }
});

describe('a transient error', () => {
  it.each([
    [new Error('x'), true],
    ['a text', true],
    [undefined, true],
    [{ status: 400 }, false],
    [{ status: 404 }, false],
    [{ status: 499 }, false],
    [{ status: 408 }, true],
    [{ status: 425 }, true],
    [{ status: 429 }, true],
    [{ status: 500 }, true],
    [{ statusCode: 422 }, false],
    [{ response: { status: 401 } }, false],
    [{ response: { status: 503 } }, true],
    [{ response: null }, true],
    [new DOMException('gone', 'AbortError'), true],
    [{ code: 'ERR_CANCELED' }, true],
    [new DOMException('late', 'TimeoutError'), true],
    [{ status: 'bad' }, true],
  ])('%j: %p', (error, transient) => {
    expect(isTransientError(error)).toBe(transient);
  });

  it('is one that does not let itself be read', () => {
    const hostile = {
      get status() {
        throw new Error('not to be read');
      },
    };
    expect(isTransientError(hostile)).toBe(true);
  });
});

describe('an error in words', () => {
  const cause = new Error('connect ECONNREFUSED');
  const loop = new Error('a');
  loop.cause = loop;
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('not to be read');
    },
  });

  it.each([
    [new TypeError('fetch failed', { cause }), 'TypeError: fetch failed (cause: Error: connect ECONNREFUSED)'],
    [new Error('x', { cause: 'a text' }), 'Error: x'],
    [loop, 'Error: a (cause: Error: a (cause: Error: a (cause: Error: a)))'],
    ['a text', 'string'],
    [hostile, 'object'],
  ])('names what caused it (%#)', (error, words) => {
    expect(formatError(error)).toBe(words);
  });
});
