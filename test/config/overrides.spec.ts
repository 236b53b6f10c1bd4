import { createResilience, policies, ResilienceConfigError, type ResilienceOptions } from '../../src/core.js';

/** The options of one policy with whose word each is, under what an operator says. */
function explained(options: ResilienceOptions, name = 'PaymentsClient.charge') {
  const resilience = createResilience({ logger: { warn: () => undefined, error: () => undefined }, ...options });
  const policy = policies.combine(
    policies.fallback({ value: 'none' }),
    policies.retry({ maxAttempts: 3 }),
    policies.circuitBreaker({ name: 'payments', window: 10 }),
    policies.timeout('2s'),
  );
  resilience.declare(name, policy);
  const { pipeline } = resilience.explain(name);
  return {
    kinds: pipeline.map(({ kind }) => kind),
    option: (kind: string, option: string) => {
      const { value, source } = pipeline.find((layer) => layer.kind === kind)!.options[option]!;
      return `${String(value)} by ${source}`;
    },
    unmet: resilience.unmatchedOverrides(),
  };
}

const env = (variables: Record<string, string>): ResilienceOptions => ({ env: { variables } });

function mistakes(options: ResilienceOptions): readonly string[] {
  try {
    explained(options);
  } catch (error) {
    if (error instanceof ResilienceConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('an override', () => {
  it.each([
    ['all policies', { '*': { retry: { maxAttempts: 7 } } }, '7 by override *'],
    ['a class', { PaymentsClient: { retry: { maxAttempts: 7 } } }, '7 by override PaymentsClient'],
    ['a method', { 'PaymentsClient.charge': { retry: { maxAttempts: 7 } } }, '7 by override PaymentsClient.charge'],
    ['nothing', {}, '3 by execute'],
    ['another class', { OrdersClient: { retry: { maxAttempts: 7 } } }, '3 by execute'],
  ])('for %s is the word of who wrote it', (_what, overrides, expected) => {
    expect(explained({ overrides }).option('retry', 'maxAttempts')).toBe(expected);
  });

  it('by policy name changes the policy of that name', () => {
    const { option } = explained({ overrides: { payments: { circuitBreaker: { openDuration: '5s' } } } });
    expect(option('circuitBreaker', 'openDuration')).toBe('5000 by override payments');
    expect(option('circuitBreaker', 'halfOpenCalls')).toBe('1 by default');
  });

  it('that is closer is stronger: all, class, name, method, and then the environment', () => {
    const overrides = {
      'PaymentsClient.charge': { circuitBreaker: { minimumCalls: 4 } },
      payments: { circuitBreaker: { minimumCalls: 3, halfOpenCalls: 3 } },
      PaymentsClient: { circuitBreaker: { minimumCalls: 2, halfOpenCalls: 2, successThreshold: 1 } },
      '*': { circuitBreaker: { minimumCalls: 1, halfOpenCalls: 1, successThreshold: 9, failureRateThreshold: 0.1 } },
    };
    const { option } = explained({ overrides, ...env({ RESILIENCE_CIRCUITBREAKER_FAILURERATETHRESHOLD: '0.9' }) });
    expect(option('circuitBreaker', 'minimumCalls')).toBe('4 by override PaymentsClient.charge');
    expect(option('circuitBreaker', 'halfOpenCalls')).toBe('3 by override payments');
    expect(option('circuitBreaker', 'successThreshold')).toBe('1 by override PaymentsClient');
    expect(option('circuitBreaker', 'failureRateThreshold')).toBe('0.9 by env RESILIENCE_CIRCUITBREAKER_FAILURERATETHRESHOLD');
  });

  it.each<[string, ResilienceOptions, string[]]>([
    ['a kind', { overrides: { '*': { retry: false } } }, ['fallback', 'circuitBreaker', 'timeout']],
    ['a kind of a class', { overrides: { PaymentsClient: { retry: { enabled: false } } } }, ['fallback', 'circuitBreaker', 'timeout']],
    ['a name', { overrides: { payments: { enabled: false } } }, ['fallback', 'retry', 'timeout']],
    ['a class, but for fallbacks', { overrides: { PaymentsClient: { enabled: false } } }, ['fallback']],
    ['a method, but for fallbacks', { overrides: { 'PaymentsClient.charge': { enabled: false } } }, ['fallback']],
    ['all, but for fallbacks', { enabled: false }, ['fallback']],
    ['all by a variable, but for fallbacks', env({ RESILIENCE_ENABLED: 'false' }), ['fallback']],
    ['a kind by a variable', env({ RESILIENCE_CIRCUITBREAKER_ENABLED: 'false' }), ['fallback', 'retry', 'timeout']],
    ['a class by a variable', env({ RESILIENCE_PAYMENTSCLIENT_ENABLED: '0' }), ['fallback']],
    ['a fallback, where it is named', { overrides: { '*': { fallback: false } } }, ['retry', 'circuitBreaker', 'timeout']],
  ])('switches off %s', (_what, options, kinds) => {
    expect(explained(options).kinds).toEqual(kinds);
  });

  it('switches on again what a weaker one switched off', () => {
    const overrides = { '*': { enabled: false, retry: false }, 'PaymentsClient.charge': { retry: { maxAttempts: 2 } } } as const;
    const { kinds, option } = explained({ overrides });
    expect(kinds).toEqual(['fallback', 'retry']);
    expect(option('retry', 'maxAttempts')).toBe('2 by override PaymentsClient.charge');
  });

  it('that meets nothing is told with the nearest name', () => {
    const overrides = { PaymentClient: { retry: false }, payments: { bulkhead: { maxQueue: 1 } } } as const;
    expect(explained({ overrides }).unmet).toEqual([
      'overrides: "PaymentClient" is no class, method or policy name; did you mean "PaymentsClient"?',
      'overrides: "payments" has no bulkhead: an override changes only policies that are declared',
    ]);
  });

  it('that is wrong is told with all others, by key, kind and option', () => {
    const overrides: object = {
      PaymentsClient: { retry: { maxAttempts: 0, maxAttemps: 2 }, retri: {}, enabled: 'no' },
      payments: { circuitBreaker: 'off', timeout: { name: 'x' } },
      '*': 5,
    };
    expect(mistakes({ overrides: overrides as NonNullable<ResilienceOptions['overrides']> })).toEqual([
      'overrides: "PaymentsClient": enabled must be true or false, got "no"',
      'overrides: "PaymentsClient": retry maxAttempts must be an integer >= 1 or Infinity, got 0',
      'overrides: "PaymentsClient": retry has no option "maxAttemps"; did you mean "maxAttempts"?',
      'overrides: "PaymentsClient": there is no kind "retri"; did you mean "retry"?',
      'overrides: "payments": circuitBreaker must be an object with options, or false, got "off"',
      'overrides: "payments": timeout.name cannot be overridden: the name is what the policy is known by',
      'overrides: "*" must be an object that maps a kind to options or false, got 5',
    ]);
  });

  it('is checked together with what was declared', () => {
    expect(mistakes({ overrides: { payments: { circuitBreaker: { minimumCalls: 50 } } } })).toEqual([
      'PaymentsClient.charge: circuitBreaker minimumCalls must be at most the count window (10 calls), got 50: it would never open',
    ]);
  });
});

describe('an environment variable', () => {
  it.each([
    [{ prefix: '' }, 'env: prefix must be a text that is not empty, got ""'],
    [{ prefix: 5 }, 'env: prefix must be a text that is not empty, got 5'],
    [{ variables: null }, 'env: variables must be an object that can be read, got null'],
    [{ variables: { RESILIENCE_ENABLED: true } }, 'env: variables.RESILIENCE_ENABLED must be a text, got a boolean'],
    [[], 'env must be true, false, or an object with prefix, variables, got []'],
  ])('is looked for only where it says rightly how: %j', (env, problem) => {
    expect(() => createResilience({ env } as never)).toThrow(new ResilienceConfigError([problem]));
  });

  it.each([
    ['a number', 'RESILIENCE_PAYMENTSCLIENT_CHARGE_RETRY_MAXATTEMPTS', '5', 'retry', 'maxAttempts', 5],
    ['a duration', 'RESILIENCE_TIMEOUT_DURATION', '250ms', 'timeout', 'duration', 250],
    ['a duration in milliseconds', 'RESILIENCE_TIMEOUT_DURATION', '250', 'timeout', 'duration', 250],
    ['a boolean', 'RESILIENCE_PAYMENTS_CIRCUITBREAKER_CRITICAL', 'true', 'circuitBreaker', 'critical', true],
    ['a word', 'RESILIENCE_RETRY_BACKOFF', 'none', 'retry', 'backoff', 'none'],
    ['a share', 'RESILIENCE_PAYMENTSCLIENT_CIRCUITBREAKER_FAILURERATETHRESHOLD', '0.25', 'circuitBreaker', 'failureRateThreshold', 0.25],
  ])('is read as %s', (_what, variable, text, kind, option, value) => {
    expect(explained(env({ [variable]: text })).option(kind, option)).toBe(`${String(value)} by env ${variable}`);
  });

  it('is read as JSON where the option is an object', () => {
    const { option, unmet } = explained(env({ RESILIENCE_RETRY_BACKOFF: '{"initialDelay":"1s","jitter":"none"}' }));
    expect(option('retry', 'backoff')).toBe('[object Object] by env RESILIENCE_RETRY_BACKOFF');
    expect(unmet).toEqual([]);
  });

  it('has the prefix that the application says, from where it says', () => {
    const { option } = explained({ env: { prefix: 'SHOP_', variables: { SHOP_RETRY_MAXATTEMPTS: '4' } } });
    expect(option('retry', 'maxAttempts')).toBe('4 by env SHOP_RETRY_MAXATTEMPTS');
  });

  it('is read from the process by env: true, and not at all without', () => {
    process.env['RESILIENCE_RETRY_MAXATTEMPTS'] = '6';
    try {
      expect(explained({ env: true }).option('retry', 'maxAttempts')).toBe('6 by env RESILIENCE_RETRY_MAXATTEMPTS');
      expect(explained({}).option('retry', 'maxAttempts')).toBe('3 by execute');
    } finally {
      delete process.env['RESILIENCE_RETRY_MAXATTEMPTS'];
    }
  });

  it('that is wrong is told by its name', () => {
    expect(mistakes(env({ RESILIENCE_RETRY_MAXATTEMPTS: 'many', RESILIENCE_TIMEOUT_ENABLED: 'maybe' }))).toEqual([
      'RESILIENCE_RETRY_MAXATTEMPTS must be an integer >= 1 or Infinity, got "many"',
      'RESILIENCE_TIMEOUT_ENABLED must be true or false, got "maybe"',
    ]);
  });

  it('that sets nothing is told with the nearest name', () => {
    expect(explained(env({ RESILIENCE_RETRY_MAXATTEMPT: '2', OTHER: 'x' })).unmet).toEqual([
      'env: RESILIENCE_RETRY_MAXATTEMPT sets nothing; did you mean RESILIENCE_RETRY_MAXATTEMPTS?',
    ]);
  });
});

describe('an explanation', () => {
  it('shows no value that looks like a secret by its name', () => {
    const resilience = createResilience();
    const policy = policies.fallback({ value: { apiKey: 'abc123', password: 'hunter2', note: 'shown' } });
    void resilience.execute(policy, async () => ({ apiKey: '', password: '', note: '' }), { name: 'x' });
    expect(String(resilience.explain('x'))).toContain('"note":"shown"');
    expect(String(resilience.explain('x'))).not.toMatch(/abc123|hunter2/);
  });
});
