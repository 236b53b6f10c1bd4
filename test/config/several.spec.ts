import { CircuitBreaker, policies, RateLimit, Resilience as Apply, type Policy } from '../../src/index.js';
import { createResilience, RateLimitExceededError, type ResilienceOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';
import { service, start } from '../support/nest.js';

const perTenant = { name: 'tenant', limit: 2, per: '1h' } as const;
const overall = { name: 'overall', limit: 3, per: '1h' } as const;
const both = policies.combine(policies.rateLimit(perTenant), policies.rateLimit(overall));

function layersOf(policy: Policy, options: ResilienceOptions = {}): string[] {
  const resilience = createResilience(options);
  resilience.declare('op', policy);
  return resilience.list()[0]!.policies.map(({ kind, name }) => `${kind} ${name}`);
}

function mistakeOf(policy: Policy, options: ResilienceOptions = {}): string {
  try {
    createResilience(options).declare('op', policy);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

describe('several rate limits, circuit breakers or bulkheads on one operation', () => {
  it('stand in the order in which they are declared, all at the place of their kind', () => {
    const policy = policies.combine(
      policies.bulkhead(1),
      policies.rateLimit(overall),
      policies.bulkhead({ name: 'wide' }),
      policies.rateLimit(perTenant),
    );
    expect(layersOf(policy)).toEqual(['rateLimit overall', 'rateLimit tenant', 'bulkhead op', 'bulkhead wide']);
  });

  it('each decide, and the error names the one that rejected', async () => {
    const lab = new Lab();
    const endings = [1, 2, 3].map(() => lab.call(both, 'ok', { name: 'op' }));
    lab.resilience.rateLimiter('overall').tryAcquire();
    await lab.clock.advance(1);
    expect(endings.map(({ error }) => (error as RateLimitExceededError | undefined)?.policyName)).toEqual([undefined, undefined, 'tenant']);
    expect(lab.resilience.metrics('op')).toMatchObject({ rejections: 1, attempts: 3, successes: 2 });
  });

  it('are each told exactly once how a call ended', async () => {
    const lab = new Lab();
    const breaker = (name: string): Policy => policies.circuitBreaker({ name, minimumCalls: 100 });
    const policy = policies.combine(breaker('host'), breaker('route'), policies.retry({ maxAttempts: 2, backoff: 'none' }));
    lab.call(policy, 'fail ok');
    lab.call(policy, 'fail fail');
    await lab.clock.advance(1);
    for (const name of ['host', 'route']) expect(lab.resilience.circuitBreaker(name).snapshot()).toMatchObject({ calls: 4, failures: 3 });
    lab.resilience.circuitBreaker('route').forceOpen();
    const ending = lab.call(policy, 'ok');
    await lab.clock.advance(1);
    expect(ending.error).toMatchObject({ policyName: 'route' });
    expect(lab.resilience.circuitBreaker('host').snapshot()).toMatchObject({ calls: 4, failures: 3 });
  });

  it('need a name from the second on, each another one', () => {
    expect(mistakeOf(policies.combine(policies.rateLimit(1), policies.rateLimit(2)))).toContain(
      'rateLimit is declared twice without a name at the execute: from the second on each needs a name of its own',
    );
    expect(mistakeOf(policies.combine(policies.rateLimit(perTenant), policies.rateLimit(2)))).toContain(
      'rateLimit of the execute needs a name, as there is "tenant" too',
    );
    expect(mistakeOf(policies.combine(policies.rateLimit(perTenant), policies.rateLimit(perTenant)))).toContain(
      'rateLimit "tenant" is declared twice at the execute',
    );
    expect(mistakeOf(policies.combine(policies.rateLimit(2), policies.rateLimit(perTenant)))).toBe('no error');
    expect(mistakeOf(policies.combine(policies.rateLimit({ ...perTenant, limit: 0 }), policies.rateLimit(overall)))).toContain(
      'op: rateLimit "tenant" limit must be',
    );
  });

  it('are addressed by name: by overrides, variables, reconfigure, and explain', () => {
    const resilience = createResilience({
      overrides: { op: { rateLimit: { limit: 7 } }, tenant: { rateLimit: { limit: 9 } }, '*': { rateLimit: { per: '2h' } } },
      env: { variables: { RESILIENCE_OVERALL_RATELIMIT_BURST: '5' } },
    });
    resilience.declare('op', both);
    const shown = () =>
      resilience
        .explain('op')
        .pipeline.map(({ name, options }) => [name, options['limit']!.value, options['per']!.value, options['burst']?.value]);
    expect(shown()).toEqual([
      ['tenant', 9, 7_200_000, undefined],
      ['overall', 7, 7_200_000, 5],
    ]);
    resilience.reconfigure('overall', { rateLimit: { limit: 20 } });
    expect(shown().map((one) => one.slice(0, 2))).toEqual([
      ['tenant', 9],
      ['overall', 20],
    ]);
    expect(resilience.rateLimiter('tenant').peek().remaining).toBe(9);
    expect(String(resilience.explain('op'))).toMatch(
      /rateLimit "tenant": .*limit 9 \(override tenant\)\n.*rateLimit "overall": .*limit 20 \(reconfigure\)/,
    );
    expect(layersOf(both, { overrides: { overall: { rateLimit: false } } })).toEqual(['rateLimit tenant']);
    expect(layersOf(both, { overrides: { op: { rateLimit: false }, overall: { rateLimit: true } } })).toEqual(['rateLimit overall']);
  });

  it('change one at a time while calls run: the other one keeps its strategy and its counts', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.bulkhead({ name: 'wide', maxConcurrent: 2 }),
      policies.bulkhead({ name: 'narrow', maxConcurrent: 1 }),
    );
    lab.call(policy, 'ok@50', { name: 'op' });
    lab.resilience.reconfigure('narrow', { bulkhead: { maxConcurrent: 2 } });
    const second = lab.call(policy, 'ok@50', { name: 'op' });
    const third = lab.call(policy, 'ok@50', { name: 'op' });
    await lab.clock.advance(100);
    expect([second.value, (third.error as { policyName?: string }).policyName]).toEqual(['ok', 'wide']);
    expect(['wide', 'narrow'].map((name) => lab.resilience.bulkhead(name).running)).toEqual([0, 0]);
  });

  it('there is one of every other kind', () => {
    const named = (name: string): Policy => policies.retry({ name, maxAttempts: 2 });
    expect(mistakeOf(policies.combine(named('a'), named('b')))).toContain(
      'retry is declared twice at the execute, and an operation has one policy of this kind',
    );
  });
});

describe('a class and its method', () => {
  const list = async (target: new () => object): Promise<string[]> => {
    const app = await start({ providers: [target] });
    return service(app)
      .list()
      .flatMap(({ policies: layers }) => layers.map(({ kind, name }) => `${kind} ${name}`));
  };

  it('have both of what has two names, and the method replaces that of the same name', async () => {
    @RateLimit({ name: 'tenant', limit: 1, per: '1h' })
    @CircuitBreaker({ name: 'host' })
    class Client {
      @RateLimit({ name: 'route', limit: 5, per: '1h' })
      @CircuitBreaker({ name: 'host', openDuration: '1s' })
      call(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    const app = await start({ providers: [Client] });
    const { pipeline } = service(app).explain('Client.call');
    expect(pipeline.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['circuitBreaker host', 'rateLimit tenant', 'rateLimit route']);
    expect(pipeline[0]!.options['openDuration']).toEqual({ value: 1000, source: 'method' });
  });

  it('that have no name replace each other, as ever', async () => {
    @RateLimit(1)
    class Client {
      @RateLimit(5)
      call(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    expect(await list(Client)).toEqual(['rateLimit Client.call']);
  });

  it('are told where the method has no name beside one of the class that has', async () => {
    @RateLimit({ name: 'tenant', limit: 1 })
    class Client {
      @RateLimit(5)
      call(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    await expect(list(Client)).rejects.toThrow(
      'Client.call: rateLimit of the method needs a name, as there is "tenant" too: a name of its own to have both, or that one to replace it',
    );
  });

  it('go without those of the class by none()', async () => {
    @RateLimit({ name: 'tenant', limit: 1 })
    class Client {
      @Apply(policies.none())
      call(): Promise<number> {
        return Promise.resolve(1);
      }
    }
    expect(await list(Client)).toEqual([]);
  });
});
