import { createResilience, policies, ResilienceConfigError, type Policy, type ResilienceOptions } from '../../src/core.js';

/** Each row is wrong in one way; what is said must name the operation, the policy, the option and the value. */
const ROWS: readonly (readonly [wrong: object, said: string])[] = [
  [{ kind: 'retry', maxAttempts: 0 }, 'op: retry maxAttempts must be an integer >= 1 or Infinity, got 0'],
  [{ kind: 'retry', maxAttempts: 2.5 }, 'op: retry maxAttempts must be an integer >= 1 or Infinity, got 2.5'],
  [{ kind: 'retry', maxAttempts: '3' }, 'op: retry maxAttempts must be an integer >= 1 or Infinity, got "3"'],
  [{ kind: 'retry', maxAttempt: 3 }, 'op: retry has no option "maxAttempt"; did you mean "maxAttempts"?'],
  [{ kind: 'retry', backoff: 'exponential' }, "op: retry backoff must be 'none', or a duration (milliseconds"],
  [{ kind: 'retry', backoff: { type: 'expo' } }, "op: retry backoff.type must be 'exponential' or 'linear' or 'constant', got \"expo\""],
  [{ kind: 'retry', backoff: { jiter: 'full' } }, 'op: retry has no option "backoff.jiter"; did you mean "jitter"?'],
  [
    { kind: 'retry', backoff: { jitter: -1 } },
    "op: retry backoff.jitter must be 'full' or 'equal' or 'decorrelated' or 'none', or a number from 0 to 1, got -1",
  ],
  [{ kind: 'retry', backoff: { jitter: 2 } }, 'or a number from 0 to 1, got 2'],
  [{ kind: 'retry', backoff: { multiplier: 0.5 } }, 'op: retry backoff.multiplier must be a number >= 1, got 0.5'],
  [
    { kind: 'retry', backoff: { initialDelay: '1s', maxDelay: '500ms' } },
    'op: retry backoff.maxDelay must be at least backoff.initialDelay (1000 ms), got 500 ms',
  ],
  [
    { kind: 'retry', maxDuration: '10' },
    'op: retry maxDuration must be a duration > 0 (milliseconds, or a string like "250ms", "10s", "5m"), got "10"',
  ],
  [{ kind: 'retry', budget: { ratio: 2 } }, 'op: retry budget.ratio must be a number from 0 to 1, got 2'],
  [{ kind: 'retry', budget: 5 }, 'op: retry budget must be budget options ({ ratio, minPerSecond, window }), got 5'],
  [
    { kind: 'retry', on: 'Error' },
    'op: retry on must be an error class, a list of error classes, or a function (error, ...args) => boolean, got "Error"',
  ],
  [{ kind: 'retry', on: [] }, 'op: retry on must be an error class'],
  [{ kind: 'retry', onRetry: true }, 'op: retry onRetry must be a function (notice) => void, got true'],
  [{ kind: 'retry', respectRetryAfter: 1 }, 'op: retry respectRetryAfter must be true or false, got 1'],
  [{ kind: 'retry', name: '' }, 'op: retry name must be a text that is not empty, got ""'],
  [
    { kind: 'circuitBreaker', window: 0 },
    'op: circuitBreaker window must be an integer from 1 to 1000000 (calls), or a time like "10s", got 0',
  ],
  [{ kind: 'circuitBreaker', window: '10' }, 'op: circuitBreaker window must be an integer'],
  [
    { kind: 'circuitBreaker', window: 5, minimumCalls: 10 },
    'op: circuitBreaker minimumCalls must be at most the count window (5 calls), got 10: it would never open',
  ],
  [{ kind: 'circuitBreaker', failureRateThreshold: 0 }, 'op: circuitBreaker failureRateThreshold must be a number > 0 and <= 1, got 0'],
  [{ kind: 'circuitBreaker', failureRateThreshold: 50 }, 'op: circuitBreaker failureRateThreshold must be a number > 0 and <= 1, got 50'],
  [
    { kind: 'circuitBreaker', slowCallRateThreshold: 0.5 },
    'op: circuitBreaker slowCallRateThreshold needs slowCallDuration: without it no call is slow',
  ],
  [{ kind: 'circuitBreaker', openDuration: { multiplier: 2 } }, 'op: circuitBreaker openDuration.initial is required: a duration > 0'],
  [
    { kind: 'circuitBreaker', openDuration: { initial: '10s', max: '5s' } },
    'op: circuitBreaker openDuration.max must be at least openDuration.initial',
  ],
  [{ kind: 'circuitBreaker', openDuration: true }, 'op: circuitBreaker openDuration must be a duration > 0'],
  [{ kind: 'circuitBreaker', consecutiveFailures: -1 }, 'op: circuitBreaker consecutiveFailures must be an integer >= 1, got -1'],
  [{ kind: 'circuitBreaker', key: 'tenant' }, 'op: circuitBreaker key must be a function (...args) => string, got "tenant"'],
  [{ kind: 'rateLimit' }, 'op: rateLimit limit is required: an integer >= 1'],
  [{ kind: 'rateLimit', limit: 0 }, 'op: rateLimit limit must be an integer >= 1, got 0'],
  [{ kind: 'rateLimit', limit: 5, cost: 6 }, 'op: rateLimit cost must be at most the capacity (5), got 6: no call would ever pass'],
  [{ kind: 'rateLimit', limit: 5, burst: 2, cost: 3 }, 'op: rateLimit cost must be at most the capacity (2), got 3'],
  [{ kind: 'rateLimit', limit: 5, algorithm: 'tokenbucket' }, 'got "tokenbucket"; did you mean "token-bucket"?'],
  [{ kind: 'timeout' }, 'op: timeout duration is required: a duration > 0'],
  [{ kind: 'timeout', duration: 0 }, 'op: timeout duration must be a duration > 0'],
  [{ kind: 'timeout', duration: '5s', total: '2s' }, 'op: timeout total must be at least duration (5000 ms), got 2000 ms'],
  [{ kind: 'bulkhead', maxConcurrent: 0 }, 'op: bulkhead maxConcurrent must be an integer >= 1 or Infinity, got 0'],
  [{ kind: 'bulkhead', queueTimeout: '1s' }, 'op: bulkhead queueTimeout needs a queue: set maxQueue to an integer >= 1'],
  [{ kind: 'bulkhead', priority: () => 1 }, 'op: bulkhead priority needs a queue'],
  [{ kind: 'bulkhead', maxQueue: 1, overflow: 'drop' }, "op: bulkhead overflow must be 'reject' or 'drop-oldest', got \"drop\""],
  [{ kind: 'fallback' }, 'op: fallback tiers is required'],
  [{ kind: 'fallback', tiers: [] }, 'op: fallback tiers must be a list that is not empty'],
  [
    { kind: 'fallback', tiers: [5] },
    "op: fallback tiers[0] must be a method's name, a function (error, ...args) => value, { value }, or { on, use }, got 5",
  ],
  [{ kind: 'fallback', tiers: [{ on: 'x', use: () => 1 }] }, 'op: fallback tiers[0].on must be an error class'],
  [{ kind: 'fallback', tiers: [{ use: 5 }] }, 'op: fallback tiers[0].use must be a method'],
  [{ kind: 'fallback', tiers: [() => 1], value: 2 }, 'op: fallback value and tiers exclude each other'],
  [
    { kind: 'fallback', tiers: ['method'] },
    'op: fallback names the method "method", but there is no object to call it on: give a function',
  ],
  [{ kind: 'retri' }, 'op: there is no kind "retri"; did you mean "retry"?'],
];

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ResilienceConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('a bad option', () => {
  it.each(ROWS)('%j is rejected', (wrong, said) => {
    expect(messageOf(() => createResilience().declare('op', wrong as Policy))).toContain(said);
  });

  it('is told together with all others', () => {
    const policy = policies.combine(policies.retry({ maxAttempts: 0, backoff: '5' as never }), policies.bulkhead(-1));
    const message = messageOf(() => createResilience().declare('op', policy));
    expect(message).toMatch(/^3 mistakes:/);
    expect(message).toContain('retry maxAttempts');
    expect(message).toContain('retry backoff');
    expect(message).toContain('bulkhead maxConcurrent');
  });

  it('makes an error that is no one’s fault but ours to configure', () => {
    const error = new ResilienceConfigError(['one']);
    expect(error).toMatchObject({ code: 'ERR_RESILIENCE_CONFIG', isRetryable: false, problems: ['one'], message: 'one' });
    expect(error.stack).toContain('bad-options.spec');
  });
});

describe('a policy that is given twice', () => {
  it('is rejected', () => {
    const policy = policies.combine(policies.retry(2), policies.retry(3));
    expect(messageOf(() => createResilience().declare('op', policy))).toBe(
      'op: retry is declared twice at the execute, and an operation has one policy of this kind: remove one, or give it to an operation of its own inside of this one (another method, or wrap)',
    );
  });
});

describe('a combined policy', () => {
  it('that contains itself is rejected, as deep as it may be', () => {
    const members: Policy[] = [];
    const policy = policies.combine(policies.retry(2), policies.combine(...members), { kind: 'combined', policies: members });
    members.push(policy);
    expect(messageOf(() => createResilience().declare('op', policy))).toBe('op: a combined policy contains itself');
  });

  it('that has none() beside others is rejected, and one that is empty protects nothing', () => {
    const resilience = createResilience();
    const policy = policies.combine(policies.retry(2), policies.none());
    expect(messageOf(() => resilience.declare('op', policy))).toContain('op: combine(...) has none() beside other policies');
    resilience.declare('empty', policies.combine());
    expect(resilience.list()).toEqual([{ operationId: 'empty', policies: [] }]);
  });
});

describe('options of the application', () => {
  it.each<[ResilienceOptions, string]>([
    [{ defaults: { retry: { maxAttempts: 0 } } }, 'defaults: retry maxAttempts must be an integer >= 1 or Infinity, got 0'],
    [{ defaults: { rety: {} } as never }, 'defaults: there is no kind "rety"; did you mean "retry"?'],
    [{ defaults: { retry: 5 } as never }, 'defaults: retry must be an object with options, got 5'],
    [{ presets: { p: { kind: 'bulkhed' } as never } }, 'preset "p": there is no kind "bulkhed"; did you mean "bulkhead"?'],
    [{ order: ['retry', 'retry'] as never }, 'order names a kind twice'],
    [{ order: ['retrys'] as never }, 'order names no kind "retrys"; did you mean "retry"?'],
    [{ order: 'random' as never }, "order must be 'declared' or a list of kinds (fallback, totalTimeout, retry,"],
  ])('%j are rejected', (options, said) => {
    expect(messageOf(() => createResilience(options))).toContain(said);
  });
});
