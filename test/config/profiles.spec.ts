import {
  createResilience,
  policies,
  profile,
  standardHttpClient,
  type Policy,
  type ProfileName,
  type ResilienceOptions,
} from '../../src/core.js';
import { Lab } from '../support/lab.js';

describe('a profile', () => {
  const explained = (options: ResilienceOptions, policy: Policy = { kind: 'circuitBreaker' }): string => {
    const resilience = createResilience({ ...options, env: { variables: {} } });
    resilience.declare('op', policy);
    return String(resilience.explain('op'));
  };

  it.each([
    ['production', 'production', 'window 30s (profile production)'],
    ['development', 'development', 'window 20 (profile development)'],
    ['staging', 'production', 'window 30s (profile production)'],
    [undefined, 'production', 'window 30s (profile production)'],
  ])('for the environment %s is the one for %s', (environment, chosen, expected) => {
    expect(profile(environment)).toEqual({ profile: chosen });
    expect(explained(profile(environment))).toContain(expected);
  });

  it('stands below `defaults`, option by option', () => {
    const options = { defaults: { timeout: { duration: '2s' }, circuitBreaker: { minimumCalls: 7 } } } as const;
    expect(explained({ ...profile('production'), ...options })).toMatch(
      /window 30s \(profile production\), minimumCalls 7 \(defaults\).*openDuration 10s \(profile production\)/,
    );
  });

  it('that does not exist is an error with the nearest name', () => {
    expect(() => createResilience({ profile: 'prodution' as ProfileName })).toThrow(
      'profile must be \'production\' or \'development\', got "prodution"; did you mean "production"?',
    );
  });

  it('says of a breaker by failures in a row nothing of rates, and no more do `defaults`', async () => {
    for (const options of [profile('development'), { defaults: { circuitBreaker: { window: 20, minimumCalls: 2 } } }]) {
      const lab = new Lab({ ...options, env: false });
      for (const script of ['fail', 'ok', 'fail', 'fail', 'ok', 'fail', 'fail', 'fail', 'fail']) {
        lab.call(policies.circuitBreaker({ name: 'b', consecutiveFailures: 5 }), script, { name: 'op' });
      }
      await lab.clock.advance(0);
      expect(lab.resilience.circuitBreaker('b').state).toBe('closed');
    }
  });

  it('leaves the rule by rates where both rules stand in `defaults`, or both at the policy', async () => {
    const both = { window: 20, minimumCalls: 2, consecutiveFailures: 5 };
    for (const [defaults, own] of [
      [both, {}],
      [{}, both],
      [{ consecutiveFailures: 5 }, { window: 20, minimumCalls: 2 }],
    ] as const) {
      const lab = new Lab({ defaults: { circuitBreaker: defaults } });
      lab.call(policies.circuitBreaker({ name: 'b', ...own }), 'fail', { name: 'op' });
      lab.call(policies.circuitBreaker({ name: 'b', ...own }), 'fail', { name: 'op' });
      await lab.clock.advance(0);
      expect(lab.resilience.circuitBreaker('b').state).toBe('open');
    }
  });
});

describe('standardHttpClient', () => {
  it('gives three attempts of three seconds within ten', async () => {
    const lab = new Lab();
    const call = lab.call(standardHttpClient({ name: 'catalog' }), 'hang', { name: 'op' });
    await lab.clock.advance('20s');
    expect(call.starts).toHaveLength(3);
    expect(call.at).toBeLessThanOrEqual(10_000);
    expect(lab.resilience.explain('op').pipeline.map(({ kind }) => kind)).toEqual([
      'timeout',
      'retry',
      'circuitBreaker',
      'timeout',
      'bulkhead',
    ]);
  });

  it('stops calling a service that is down, and tries every five seconds', async () => {
    const lab = new Lab();
    const policy = standardHttpClient({ name: 'catalog' });
    for (let count = 0; count < 30; count++) {
      lab.call(policy, 'fail', { name: 'op' });
      await lab.clock.advance('100ms');
    }
    expect(lab.resilience.circuitBreaker('catalog').state).toBe('open');
    await lab.clock.advance('5s');
    const trial = lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.advance(0);
    expect(trial.value).toBe('ok');
    expect(lab.resilience.circuitBreaker('catalog').state).toBe('closed');
  });
});
