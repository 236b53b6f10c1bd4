import { CircuitOpenError, policies, RateLimitExceededError, ResilienceConfigError } from '../../src/core.js';
import { Lab } from '../support/lab.js';

const breaker = policies.circuitBreaker({ name: 'payments', window: 10, minimumCalls: 4, openDuration: '10s' });

describe('reconfigure', () => {
  it('keeps the window of a breaker where its shape is the same', async () => {
    const lab = new Lab();
    for (let count = 0; count < 3; count++) lab.call(breaker, 'fail', { name: 'a' });
    await lab.clock.advance(0);
    lab.resilience.reconfigure('payments', { circuitBreaker: { minimumCalls: 3 } });
    lab.call(breaker, 'fail', { name: 'a' });
    await lab.clock.advance(0);
    expect(lab.resilience.circuitBreaker('payments').snapshot()).toMatchObject({ state: 'open', calls: 4, failures: 4 });
    expect(lab.told).toContain('config.changed');
  });

  it('begins the window anew where its shape is another, and takes calls on their way', async () => {
    const lab = new Lab();
    lab.call(breaker, 'fail', { name: 'a' });
    const late = lab.call(breaker, 'fail@50', { name: 'a' });
    await lab.clock.advance(0);
    lab.resilience.reconfigure('payments', { circuitBreaker: { window: 2, minimumCalls: 1 } });
    expect(lab.resilience.circuitBreaker('payments').snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    await lab.clock.advance(50);
    expect(late.error).toBeDefined();
    expect(lab.resilience.circuitBreaker('payments').state).toBe('open');
  });

  it('opens for as long as is said now, and looks at slow calls from now on', async () => {
    const lab = new Lab();
    lab.resilience.execute(breaker, async () => 1, { name: 'a' }).catch(() => undefined);
    lab.resilience.reconfigure('payments', {
      circuitBreaker: { openDuration: '1s', slowCallDuration: 10, slowCallRateThreshold: 0.5, minimumCalls: 2 },
    });
    for (let count = 0; count < 3; count++) lab.call(breaker, 'ok@20', { name: 'a' });
    await lab.clock.advance(20);
    const rejected = lab.call(breaker, 'ok', { name: 'a' });
    await lab.clock.advance(0);
    expect(rejected.error).toBeInstanceOf(CircuitOpenError);
    expect((rejected.error as CircuitOpenError).retryAfterMs).toBe(1000);
  });

  it('leaves the time limit of a call on its way as it is, and its error says that one', async () => {
    const lab = new Lab();
    const policy = policies.timeout('10s');
    const running = lab.call(policy, 'hang', { name: 'a' });
    await lab.clock.settle();
    lab.resilience.reconfigure('a', { timeout: { duration: '1s' } });
    await lab.clock.advance('20s');
    expect(running).toMatchObject({ at: 10_000, error: { message: 'a did not answer within 10 s', timeoutMs: 10_000 } });
    const next = lab.call(policy, 'hang', { name: 'a' });
    await lab.clock.advance('2s');
    expect(next).toMatchObject({ at: 21_000, error: { timeoutMs: 1000 } });
  });

  it('lets waiters into a bulkhead that grows, and loses no place while calls run', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'db', maxConcurrent: 1, maxQueue: 10 });
    const calls = [10, 20, 30, 40].map((ms) => lab.call(policy, `ok@${ms}`, { name: 'a' }));
    await lab.clock.advance(0);
    lab.resilience.reconfigure('db', { bulkhead: { maxConcurrent: 3, maxQueue: 1 } });
    await lab.clock.advance(0);
    expect(lab.resilience.bulkhead('db')).toMatchObject({ running: 3, queued: 1 });
    lab.resilience.reconfigure('db', { bulkhead: { maxConcurrent: 1 } });
    await lab.clock.advance(200);
    expect(calls.map(({ value }) => value)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(lab.resilience.bulkhead('db')).toMatchObject({ running: 0, queued: 0 });
  });

  it.each(['token-bucket', 'fixed-window', 'sliding-window'] as const)('keeps what is used of a limit (%s)', async (algorithm) => {
    const lab = new Lab();
    const policy = policies.rateLimit({ name: 'api', limit: 10, per: '10s', algorithm });
    for (let count = 0; count < 6; count++) lab.call(policy, 'ok', { name: 'a' });
    await lab.clock.advance(0);
    lab.resilience.reconfigure('api', { rateLimit: { limit: 8, burst: 8 } });
    expect(lab.resilience.rateLimiter('api').peek().remaining).toBe(2);
    const three = [1, 2, 3].map(() => lab.call(policy, 'ok', { name: 'a' }));
    await lab.clock.advance(0);
    expect(three.map(({ error }) => error instanceof RateLimitExceededError)).toEqual([false, false, true]);
  });

  it('lets who waits for a permit move up where the limit grows', async () => {
    const lab = new Lab();
    const policy = policies.rateLimit({ name: 'api', limit: 1, per: '10s', maxWait: '1m' });
    const calls = [1, 2, 3].map(() => lab.call(policy, 'ok', { name: 'a' }));
    await lab.clock.advance(1000);
    lab.resilience.reconfigure('api', { rateLimit: { limit: 10, burst: 10 } });
    await lab.clock.advance(2000);
    expect(calls.every(({ value }) => value === 'ok')).toBe(true);
  });

  it('changes a timeout and a retry for the attempts to come', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.retry({ name: 'http', maxAttempts: 2, backoff: 'none' }),
      policies.timeout({ name: 'http', duration: 100 }),
    );
    const first = lab.call(policy, 'hang', { name: 'a' });
    await lab.clock.advance(50);
    lab.resilience.reconfigure('http', { timeout: { duration: 20 }, retry: { maxAttempts: 4 } });
    await lab.clock.advance(500);
    expect(first.starts).toEqual([0, 100, 120, 140]);
    expect(first.at).toBe(160);
  });

  it('is shown by explain, and told as an event', async () => {
    const lab = new Lab();
    lab.call(breaker, 'ok', { name: 'a' });
    await lab.clock.advance(0);
    lab.resilience.reconfigure('payments', { circuitBreaker: { openDuration: '1m' } });
    const { pipeline } = lab.resilience.explain('a');
    expect(pipeline[0]!.options['openDuration']).toEqual({ value: 60_000, source: 'reconfigure' });
    expect(lab.events.find(({ type }) => type === 'config.changed')).toMatchObject({
      policyName: 'payments',
      kind: 'circuitBreaker',
      options: { openDuration: 60_000 },
    });
  });

  it('tells every mistake and then has changed nothing', async () => {
    const lab = new Lab();
    const policy = policies.combine(breaker, policies.timeout({ name: 'payments', duration: 100 }));
    lab.call(policy, 'ok', { name: 'a' });
    await lab.clock.advance(0);
    const before = String(lab.resilience.explain('a'));
    const wrong: object = {
      circuitBreaker: { openDuration: 'soon', name: 'x', maxKeys: 3 },
      timeout: { duration: 50, total: 500 },
      retri: {},
      bulkhead: { maxConcurrent: 1 },
    };
    let problems: readonly string[] = [];
    try {
      lab.resilience.reconfigure('payments', wrong);
    } catch (error) {
      problems = (error as ResilienceConfigError).problems;
    }
    expect(problems).toHaveLength(5);
    expect(problems.join('\n')).toMatch(/openDuration must be/);
    expect(problems).toContain('reconfigure("payments"): circuitBreaker.name cannot be changed while the application runs');
    expect(problems).toContain('reconfigure("payments"): circuitBreaker.maxKeys cannot be changed while the application runs');
    expect(problems).toContain('reconfigure("payments"): there is no kind "retri"; did you mean "retry"?');
    expect(problems).toContain('reconfigure("payments"): there is no bulkhead of that name');
    expect(() => lab.resilience.reconfigure('payments', { timeout: { total: '5s' } })).toThrow(
      'would have other layers; that needs a restart',
    );
    expect(() => lab.resilience.reconfigure('payment', { timeout: { duration: 1 } })).toThrow('did you mean "payments"?');
    expect(String(lab.resilience.explain('a'))).toBe(before);
  });

  it('is no reason to reject a later declaration that is equal to the first one', async () => {
    const lab = new Lab();
    lab.resilience.declare('a', breaker);
    lab.resilience.reconfigure('payments', { circuitBreaker: { openDuration: '1m' } });
    lab.resilience.declare('b', policies.circuitBreaker({ name: 'payments', window: 10, minimumCalls: 4, openDuration: '10s' }));
    expect(lab.resilience.explain('b').pipeline[0]!.options['openDuration']).toEqual({ value: 60_000, source: 'reconfigure' });
    expect(() =>
      lab.resilience.declare('c', policies.circuitBreaker({ name: 'payments', window: 10, minimumCalls: 4, openDuration: '1m' })),
    ).toThrow('c: the name "payments" is in use by a with a different openDuration');
  });

  it('finds the named policies of execute and wrap without a name', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.retry({ name: 'http', maxAttempts: 2, backoff: 'none' }), policies.bulkhead({ name: 'db' }));
    const wrapped = lab.resilience.wrap(policy, () => lab.play('fail'));
    let calls = 0;
    const other = lab.resilience.wrap(policy, async () => {
      calls++;
      throw new Error('down');
    });
    await wrapped().catch(() => undefined);
    lab.resilience.reconfigure('http', { retry: { maxAttempts: 5 } });
    lab.resilience.reconfigure('db', { bulkhead: { maxConcurrent: 1 } });
    await other().catch(() => undefined);
    expect(calls).toBe(5);
    expect(lab.resilience.bulkhead('db').maxConcurrent).toBe(1);
    const unnamed = lab.call(policy, 'fail', {});
    await lab.clock.advance(1);
    expect(unnamed.starts).toHaveLength(5);
    expect(() => lab.resilience.reconfigure('htp', { retry: { maxAttempts: 1 } })).toThrow('did you mean "http"?');
  });

  it('of another kind leaves a size as it was set by hand, and explain shows it', async () => {
    const lab = new Lab();
    lab.resilience.declare('op', policies.combine(policies.retry(3), policies.bulkhead({ name: 'pool', maxQueue: 5 })));
    lab.resilience.bulkhead('pool').resize(2);
    lab.resilience.reconfigure('op', { retry: { maxAttempts: 5 } });
    lab.resilience.reconfigure('pool', { bulkhead: { maxQueue: 6 } });
    expect(lab.resilience.bulkhead('pool').maxConcurrent).toBe(2);
    expect(String(lab.resilience.explain('op'))).toContain('maxConcurrent 2 (by hand), maxQueue 6 (reconfigure)');
  });

  it('adds a bound of time that counts from the first failure of calls under way', async () => {
    const lab = new Lab();
    const call = lab.call(policies.retry({ maxAttempts: 5, backoff: '1s' }), 'fail fail ok', { name: 'op' });
    await lab.clock.advance('1h');
    const late = lab.call(policies.retry({ maxAttempts: 5, backoff: '1s' }), 'fail fail ok', { name: 'op' });
    await lab.clock.advance(500);
    lab.resilience.reconfigure('op', { retry: { maxDuration: '1m' } });
    await lab.clock.advance('10s');
    expect([call.value, late.value]).toEqual(['ok', 'ok']);
  });

  it('lets those whom it turns away reconfigure in turn, and loses neither change', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.rateLimit({ limit: 3, algorithm: 'sliding-window', maxWait: '10s', cost: (cost: number) => cost }),
    );
    lab.resilience.declare('op', policy);
    const stop = lab.resilience.on('rate-limit.rejected', () => lab.resilience.reconfigure('op', { retry: { maxAttempts: 4 } }));
    const calls = [3, 3].map((cost) => lab.call(policy, 'ok', { name: 'op', args: [cost] }));
    lab.resilience.reconfigure('op', { rateLimit: { limit: 2 }, retry: { backoff: 5 } });
    await lab.clock.settle();
    expect(calls[1]!.error).toMatchObject({ reason: 'cost' });
    stop();
    const failing = lab.call(policy, 'fail', { name: 'op', args: [0] });
    await lab.clock.advance('1m');
    expect(failing.starts).toHaveLength(4);
    expect(lab.resilience.explain('op').pipeline[0]!.options['maxAttempts']).toEqual({ value: 4, source: 'reconfigure' });
  });
});

describe('explain', () => {
  it('shows the compiled layers as list has them, with units', () => {
    const { resilience } = new Lab();
    resilience.declare(
      'op',
      policies.combine(
        policies.fallback({ value: 1 }),
        policies.retry({ backoff: { initialDelay: '250ms', maxDelay: '1m' }, maxDuration: '90s' }),
        policies.circuitBreaker({ window: '10s', openDuration: { initial: '5s', max: '2h' } }),
        policies.timeout({ duration: 1500, total: '1m' }),
      ),
    );
    const { pipeline } = resilience.explain('op');
    expect(pipeline.map(({ kind }) => kind)).toEqual(resilience.list()[0]!.policies.map(({ kind }) => kind));
    expect(pipeline.map(({ options }) => Object.keys(options)).filter((keys) => keys.includes('total'))).toEqual([['total']]);
    const text = String(resilience.explain('op'));
    expect(text).toContain('timeout: total 1m (execute)');
    expect(text).toContain('timeout: duration 1500ms (execute)');
    expect(text).toContain('initialDelay: 250ms, ');
    expect(text).toContain('maxDuration 90s (execute)');
    expect(text).toContain('window 10s (execute)');
    expect(text).toContain('openDuration { multiplier: 2, max: 2h, initial: 5s } (execute)');
  });
});
