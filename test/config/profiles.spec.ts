import { createResilience, profile, standardHttpClient } from '../../src/core.js';
import { Lab } from '../support/lab.js';

describe('a profile', () => {
  it.each([
    ['production', false, 'window {"type":"time","durationMs":30000} (defaults)'],
    ['development', true, 'window {"type":"count","size":20} (defaults)'],
    ['staging', true, 'window {"type":"count","size":20} (defaults)'],
    [undefined, true, 'window {"type":"count","size":20} (defaults)'],
  ])('for %s is a set of defaults that the library takes', async (name, stackTraces, expected) => {
    const options = profile(name);
    const resilience = createResilience({ ...options, env: { variables: {} } });
    await resilience.execute({ kind: 'circuitBreaker' } as Parameters<typeof resilience.execute>[0], async () => 1, { name: 'op' });
    expect(String(resilience.explain('op'))).toContain(expected);
    expect(options.stackTraces).toBe(stackTraces);
  });
});

describe('standardHttpClient', () => {
  it('gives three attempts of three seconds within ten', async () => {
    const lab = new Lab();
    const call = lab.call(standardHttpClient({ name: 'catalog' }), 'hang', { name: 'op' });
    await lab.clock.advance('20s');
    expect(call.starts).toHaveLength(3);
    expect(call.at).toBeLessThanOrEqual(10_000);
    expect(lab.resilience.explain('op').pipeline.map(({ kind }) => kind)).toEqual(['retry', 'circuitBreaker', 'timeout', 'bulkhead']);
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
