import { of, throwError } from 'rxjs';
import { createResilience, policies, type AttemptContext, type Policy } from '../../src/core.js';
import { Lab } from '../support/lab.js';

const down = async (): Promise<never> => {
  throw new Error('down');
};

describe('execute with a name', () => {
  it('answers with the functions of this call, though their text is that of another', async () => {
    const resilience = createResilience();
    const getUser = (id: string) =>
      resilience.execute(
        policies.fallback(() => `cached data of ${id}`),
        down,
        { name: 'users.get' },
      );
    await expect(Promise.all([getUser('alice'), getUser('bob'), getUser('alice')])).resolves.toEqual([
      'cached data of alice',
      'cached data of bob',
      'cached data of alice',
    ]);
  });

  it('answers with the value of this call', async () => {
    const resilience = createResilience();
    const get = (value: string) => resilience.execute(policies.fallback({ value }), down, { name: 'op' });
    await expect(Promise.all([get('a'), get('b')])).resolves.toEqual(['a', 'b']);
  });

  it('keeps calls in flight apart from those that begin later', async () => {
    const lab = new Lab();
    const call = (id: string) =>
      lab.call(
        policies.combine(
          policies.retry(2),
          policies.fallback(() => `for ${id}`),
        ),
        'fail@50',
        { name: 'op' },
      );
    const alice = call('alice');
    await lab.clock.advance(10);
    const bob = call('bob');
    await lab.clock.advance(1000);
    expect([alice.value, bob.value]).toEqual(['for alice', 'for bob']);
  });

  it.each<[string, (told: string[], id: string) => Policy, string[]]>([
    ['onRetry', (told, id) => policies.retry({ maxAttempts: 2, backoff: 'none', onRetry: () => void told.push(id) }), ['a', 'b']],
    ['on', (told, id) => policies.retry({ maxAttempts: 1, on: () => told.push(id) > 0 }), ['a', 'b']],
    ['key', (told, id) => policies.bulkhead({ key: () => (told.push(id), id) }), ['a', 'b']],
    ['cost', (told, id) => policies.rateLimit({ limit: 10, cost: () => told.push(id) }), ['a', 'b']],
    ['backoff', (told, id) => policies.retry({ maxAttempts: 2, backoff: () => (told.push(id), 0) }), ['a', 'b']],
  ])('asks %s of this call', async (_what, policy, expected) => {
    const lab = new Lab();
    const told: string[] = [];
    for (const id of ['a', 'b']) {
      lab.call(policy(told, id), 'fail', { name: 'op' });
      await lab.clock.advance(10);
    }
    expect(told).toEqual(expected);
  });

  it('is one operation all the same: state, counts and metrics are of the name', async () => {
    const lab = new Lab();
    lab.resilience.measure();
    const policy = () =>
      policies.combine(
        policies.fallback(() => 'instead'),
        policies.retry({ maxAttempts: 2, backoff: 'none', onRetry: () => undefined }),
        policies.circuitBreaker({ consecutiveFailures: 6 }),
      );
    for (let count = 0; count < 4; count++) {
      lab.call(policy(), 'fail', { name: 'op' });
      await lab.clock.advance(1);
    }
    expect(lab.resilience.list()).toHaveLength(1);
    expect(lab.resilience.circuitBreaker('op').state).toBe('open');
    expect(lab.resilience.metrics('op')).toMatchObject({
      operations: 4,
      successes: 4,
      retryAttempts: 3,
      fallbacksServed: 4,
      circuitBreakerTrips: 1,
    });
    const sum = (name: string): number =>
      lab.resilience
        .collect()
        .find((family) => family.name === name)!
        .series.reduce((total, { value }) => total + (typeof value === 'number' ? value : value.count), 0);
    expect(sum('fallback_calls_total')).toBe(4);
    expect(sum('retry_attempts_total')).toBe(3);
    expect(sum('operation_duration_seconds')).toBe(4);
  });

  it('rejects other data, and names it', async () => {
    const resilience = createResilience();
    await resilience.execute(policies.retry({ maxAttempts: 2, on: () => true }), () => 1, { name: 'op' });
    await expect(resilience.execute(policies.retry({ maxAttempts: 3, on: () => true }), () => 1, { name: 'op' })).rejects.toThrow(
      'execute "op": the name is in use with a different policy (retry.maxAttempts)',
    );
    await expect(resilience.execute(policies.timeout(1), () => 1, { name: 'op' })).rejects.toThrow('(set of kinds (retry; now timeout))');
  });

  it('goes on with what was reconfigured, whichever functions a call brings', async () => {
    const lab = new Lab();
    const call = (script: string) =>
      lab.call(policies.retry({ maxAttempts: 2, backoff: 'none', onRetry: () => undefined }), script, { name: 'op' });
    call('fail');
    lab.resilience.reconfigure('op', { retry: { maxAttempts: 4 } });
    const later = call('fail');
    await lab.clock.advance(1);
    expect(later.starts).toHaveLength(4);
  });

  it('does not compile a policy twice that is the same object, or equal with the very same functions', async () => {
    const resilience = createResilience();
    let told = 0;
    const onRetry = (): void => void told++;
    const options = { maxAttempts: 2, backoff: 'none', onRetry } as const;
    for (let count = 0; count < 3; count++) await resilience.execute(policies.retry(options), down, { name: 'op' }).catch(() => undefined);
    expect(told).toBe(3);
  });

  it('of an operation asks the functions of that operation', async () => {
    const resilience = createResilience();
    const charge = (order: string) =>
      resilience.executeOperation({
        operationId: 'charge',
        resiliencePolicy: () => policies.fallback(() => `queued ${order}`),
        execute: down,
      });
    await expect(charge('order-1')).resolves.toBe('queued order-1');
    await expect(charge('order-2')).resolves.toBe('queued order-2');
  });

  it('of an Observable too', async () => {
    const resilience = createResilience();
    const seen: string[] = [];
    for (const id of ['a', 'b']) {
      resilience
        .executeObservable(
          policies.fallback(() => `for ${id}`),
          () => throwError(() => new Error('down')),
          { name: 'op' },
        )
        .subscribe((value) => seen.push(String(value)));
    }
    await Promise.resolve();
    expect(seen).toEqual(['for a', 'for b']);
  });
});

describe('a mistake in a call', () => {
  it('makes a promise that rejects, and an Observable with an error', async () => {
    const resilience = createResilience();
    await expect(resilience.execute(policies.retry(0), () => 1)).rejects.toThrow('maxAttempts must be');
    await expect(resilience.execute(policies.retry(1), () => 1, { name: '' })).rejects.toThrow(
      'execute: name must be a text that is not empty, got ""',
    );
    const errors: unknown[] = [];
    resilience.executeObservable(policies.retry(0), () => of(1)).subscribe({ error: (error) => errors.push(error) });
    expect(String(errors[0])).toContain('maxAttempts must be');
    await expect(
      resilience.executeOperation({
        operationId: 'op',
        resiliencePolicy: () => {
          throw new Error('no policy');
        },
        execute: (_attempt: AttemptContext) => 1,
      }),
    ).rejects.toThrow('no policy');
  });
});

describe('what has no name', () => {
  it('is counted as (unnamed), and in the total', async () => {
    const lab = new Lab();
    lab.call(policies.retry({ maxAttempts: 3, backoff: 'none' }), 'fail', {});
    const wrapped = lab.resilience.wrap(policies.timeout({ duration: 10, total: 20 }), () => lab.play('hang'));
    const ended = wrapped().catch(() => 'ended');
    lab.call(policies.retry(), 'ok', { name: 'named' });
    await lab.clock.advance(50);
    await ended;
    const { total, byOperation } = lab.resilience.metrics();
    expect(byOperation['(unnamed)']).toMatchObject({ operations: 2, failures: 2, attempts: 4, retryAttempts: 2, timeouts: 1 });
    expect(total).toMatchObject({ operations: 3, failures: 2, successes: 1, attempts: 5, timeouts: 1 });
    expect(lab.resilience.metrics('(unnamed)')).toEqual(byOperation['(unnamed)']);
    const calls = lab.resilience.collect().find(({ name }) => name === 'operation_calls_total')!;
    expect(calls.series).toContainEqual({ labels: { name: '(unnamed)', outcome: 'failed' }, value: 2 });
    expect(lab.resilience.list().map(({ operationId }) => operationId)).toEqual(['named']);
  });

  it('shares by the name of a policy, also where its function is called like that', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ name: 'payments', consecutiveFailures: 2 });
    const failing = lab.resilience.wrap(policy, async function payments() {
      throw new Error('down');
    });
    for (let count = 0; count < 2; count++) await failing().catch(() => undefined);
    expect(lab.resilience.circuitBreaker('payments').state).toBe('open');
    await expect(lab.resilience.wrap(policy, async () => 'ok')()).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
  });

  it('shares nothing where no name was given', async () => {
    const lab = new Lab();
    const [one, other] = ['one', 'two'].map(() =>
      lab.resilience.wrap(policies.circuitBreaker({ consecutiveFailures: 1 }), async function charge(fails: boolean) {
        if (fails) throw new Error('down');
        return 'ok';
      }),
    );
    await one!(true).catch(() => undefined);
    await expect(one!(false)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    await expect(other!(false)).resolves.toBe('ok');
    lab.resilience.circuitBreaker('elsewhere', {});
    lab.resilience.reconfigure('elsewhere', { circuitBreaker: { openDuration: '1m' } });
    await expect(one!(false)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' }); // state outlives a change
  });
});
