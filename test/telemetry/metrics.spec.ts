import { policies } from '../../src/core.js';
import { Lab } from '../support/lab.js';

/** The series of a metric that are not 0. */
function happened(lab: Lab, name: string): string[] {
  return read(lab, name).filter((line) => !line.endsWith(': 0'));
}

/** The series of a metric as text, in the order of their labels. */
function read(lab: Lab, name: string, keys = 0, clients = 0): string[] {
  const { series } = lab.resilience.collect({ keys, clients }).find((family) => family.name === name)!;
  return series
    .map(({ labels, value }) => {
      const shown = Object.entries(labels)
        .map(([label, text]) => `${label}=${text}`)
        .join(' ');
      return `${shown}: ${typeof value === 'number' ? value : `${value.count} in ${Number(value.sum.toFixed(6))} s`}`;
    })
    .toSorted();
}

describe('the metrics of a circuit breaker', () => {
  const policy = policies.circuitBreaker({ name: 'payments', consecutiveFailures: 2, openDuration: '10s' });

  it('count every ended call once, and their sum is the total', async () => {
    const lab = new Lab();
    for (const script of ['ok', 'ok', 'fail', 'fail', 'ok', 'ok']) {
      lab.call(policy, script);
      await lab.clock.advance(0);
    }
    expect(read(lab, 'circuit_breaker_requests_successful')).toEqual(['name=payments: 2']);
    expect(read(lab, 'circuit_breaker_requests_failed')).toEqual(['name=payments: 2']);
    expect(read(lab, 'circuit_breaker_requests_rejected')).toEqual(['name=payments: 2']);
    expect(read(lab, 'circuit_breaker_requests_total')).toEqual(['name=payments: 6']);
    expect(read(lab, 'circuit_breaker_state')).toEqual(['name=payments: 1']);
  });

  it('show every state by its number', async () => {
    const lab = new Lab();
    const breaker = lab.resilience.circuitBreaker('payments', { consecutiveFailures: 1, openDuration: '10s' });
    const seen = read(lab, 'circuit_breaker_state');
    breaker.acquire().failure(new Error('no'));
    seen.push(...read(lab, 'circuit_breaker_state'));
    await lab.clock.advance('10s');
    seen.push(...read(lab, 'circuit_breaker_state'));
    for (const force of ['forceOpen', 'disable', 'metricsOnly'] as const) {
      breaker[force]();
      seen.push(...read(lab, 'circuit_breaker_state'));
    }
    expect(seen.map((line) => Number(line.split(': ')[1]))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('tell the time from the first opening until it closed, through failed trials', async () => {
    const lab = new Lab();
    const breaker = lab.resilience.circuitBreaker('payments', { consecutiveFailures: 1, openDuration: '10s' });
    breaker.acquire().failure(new Error('no'));
    await lab.clock.advance('10s');
    breaker.acquire().failure(new Error('still no'));
    await lab.clock.advance('15s');
    breaker.acquire().success();
    expect(read(lab, 'circuit_breaker_open_duration_seconds')).toEqual(['name=payments: 1 in 25 s']);
    expect(happened(lab, 'circuit_breaker_state_transitions')).toEqual([
      'name=payments from=closed to=open: 1',
      'name=payments from=half-open to=closed: 1',
      'name=payments from=half-open to=open: 1',
      'name=payments from=open to=half-open: 2',
    ]);
  });

  it('tell durations only once somebody measures, those of calls from then on', async () => {
    const lab = new Lab();
    lab.call(policy, 'ok@100');
    await lab.clock.advance('1s');
    expect(read(lab, 'circuit_breaker_request_duration_seconds')).toEqual([]);
    lab.resilience.measure();
    lab.call(policy, 'ok@100');
    lab.call(policy, 'fail@300');
    await lab.clock.advance('1s');
    expect(read(lab, 'circuit_breaker_request_duration_seconds')).toEqual(['name=payments: 2 in 0.4 s']);
    expect(read(lab, 'operation_duration_seconds')).toEqual([]);
  });

  it('show the worst key for all of them, or each of so many keys and the others as one', async () => {
    const lab = new Lab();
    const keyed = policies.circuitBreaker({ name: 'tenants', consecutiveFailures: 1, key: (tenant: string) => tenant });
    for (const [tenant, script] of Object.entries({ a: 'ok', b: 'fail', c: 'ok', d: 'ok' })) {
      lab.call(keyed, script, { args: [tenant], name: 'load' });
      await lab.clock.advance(0);
    }
    expect(read(lab, 'circuit_breaker_state')).toEqual(['name=tenants: 1']);
    expect(read(lab, 'circuit_breaker_requests_total')).toEqual(['name=tenants: 4']);
    expect(read(lab, 'circuit_breaker_requests_total', 2)).toEqual([
      'name=tenants key=: 0',
      'name=tenants key=a: 1',
      'name=tenants key=b: 1',
      'name=tenants key=other: 2',
    ]);
    expect(read(lab, 'circuit_breaker_state', 2)).toContain('name=tenants key=b: 1');
  });

  it('never go back when keys are forgotten', async () => {
    const lab = new Lab();
    const keyed = policies.circuitBreaker({ name: 'tenants', key: (tenant: string) => tenant, maxKeys: 2 });
    for (let tenant = 0; tenant < 20; tenant++) {
      lab.call(keyed, 'ok', { args: [`t${tenant}`], name: 'load' });
      await lab.clock.advance(0);
      expect(read(lab, 'circuit_breaker_requests_total')).toEqual([`name=tenants: ${tenant + 1}`]);
    }
  });
});

describe('the metrics of a bulkhead', () => {
  it('show who runs and waits, and how long those waited that came in', async () => {
    const lab = new Lab();
    lab.resilience.measure();
    const policy = policies.bulkhead({ name: 'db', maxConcurrent: 1, maxQueue: 2, queueTimeout: '250ms' });
    for (const script of ['ok@200', 'ok@200', 'ok@200', 'ok']) lab.call(policy, script, { name: 'query' });
    await lab.clock.advance(100);
    expect(read(lab, 'bulkhead_active_requests')).toEqual(['name=db: 1']);
    expect(read(lab, 'bulkhead_queued_requests')).toEqual(['name=db: 2']);
    expect(read(lab, 'bulkhead_max_concurrent')).toEqual(['name=db: 1']);
    await lab.clock.advance('1s');
    expect(read(lab, 'bulkhead_requests_total')).toEqual(['name=db: 4']);
    expect(read(lab, 'bulkhead_requests_rejected')).toEqual(['name=db: 2']);
    expect(read(lab, 'bulkhead_requests_timeout')).toEqual(['name=db: 1']);
    expect(read(lab, 'bulkhead_queue_duration_seconds')).toEqual(['name=db: 1 in 0.2 s']);
    expect(lab.resilience.bulkhead('db').rejections).toBe(2);
    expect(lab.resilience.metrics('query')).toMatchObject({ rejections: 2, bulkheadRejections: 2 });
  });
});

describe('the metrics of a retry', () => {
  it('count attempts beyond the first by number and outcome', async () => {
    const lab = new Lab();
    const policy = policies.retry({ maxAttempts: 3, backoff: 'none' });
    for (const script of ['ok', 'fail ok', 'fail fail ok', 'fail fail fail']) lab.call(policy, script, { name: 'op' });
    await lab.clock.advance('1s');
    expect(happened(lab, 'retry_attempts_total')).toEqual([
      'name=op attempt=2 outcome=failed: 2',
      'name=op attempt=2 outcome=succeeded: 1',
      'name=op attempt=3 outcome=failed: 1',
      'name=op attempt=3 outcome=succeeded: 1',
    ]);
    expect(read(lab, 'retry_exhausted_total')).toEqual(['name=op reason=attempts: 1', 'name=op reason=budget: 0']);
  });

  it('are there from the start, so that the first one is an increase', () => {
    const lab = new Lab();
    lab.call(policies.combine(policies.retry({ maxAttempts: 3 }), policies.circuitBreaker()), 'ok', { name: 'op' });
    expect(read(lab, 'retry_attempts_total')).toHaveLength(6);
    expect(read(lab, 'circuit_breaker_state_transitions')).toContain('name=op from=closed to=open: 0');
    lab.call(policies.retry({ maxAttempts: Infinity }), 'ok', { name: 'endless' });
    expect(read(lab, 'retry_attempts_total')).toContain('name=endless attempt=10+ outcome=failed: 0');
  });

  it('do not take a fallback’s answer for a success of the attempt', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.fallback({ value: 1 }), policies.retry({ maxAttempts: 2, backoff: 'none' }));
    lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    expect(happened(lab, 'retry_attempts_total')).toEqual(['name=op attempt=2 outcome=failed: 1']);
  });

  it('know an attempt that was given up', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.timeout({ total: '1s' }), policies.retry({ maxAttempts: 3, backoff: 'none' }));
    lab.call(policy, 'fail hang', { name: 'op' });
    const controller = new AbortController();
    lab.call(policies.retry({ backoff: 'none' }), 'fail hang', { name: 'other', signal: controller.signal });
    await lab.clock.advance(500);
    controller.abort(new Error('enough'));
    await lab.clock.advance('1s');
    expect(happened(lab, 'retry_attempts_total')).toEqual([
      'name=op attempt=2 outcome=given-up: 1',
      'name=other attempt=2 outcome=given-up: 1',
    ]);
  });

  it('show what is left of the budget, and who it stopped', async () => {
    const lab = new Lab();
    const budget = { ratio: 0.1, minPerSecond: 0.2, window: '10s' } as const;
    const policy = policies.retry({ maxAttempts: 2, backoff: 'none', budget });
    for (let count = 0; count < 4; count++) lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance(0);
    expect(read(lab, 'retry_exhausted_total')).toEqual(['name=op reason=attempts: 2', 'name=op reason=budget: 2']);
    expect(read(lab, 'retry_budget_remaining')[0]).toMatch(/^name=op: 0\.\d+$/);
  });

  it('stay when it is reconfigured', async () => {
    const lab = new Lab();
    const policy = policies.retry({ name: 'calm', maxAttempts: 2, backoff: 'none' });
    lab.call(policy, 'fail ok', { name: 'op' });
    await lab.clock.advance(0);
    lab.resilience.reconfigure('calm', { retry: { maxAttempts: 3 } });
    lab.call(policy, 'fail ok', { name: 'op' });
    await lab.clock.advance(0);
    expect(happened(lab, 'retry_attempts_total')).toEqual(['name=calm attempt=2 outcome=succeeded: 2']);
  });
});

describe('the metrics of a rate limit', () => {
  it('count who got a permit, at once or later, and who did not', async () => {
    const lab = new Lab();
    const policy = policies.rateLimit({ name: 'api', limit: 1, per: '1s', maxWait: '1s' });
    for (let count = 0; count < 3; count++) lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.advance(0);
    expect(read(lab, 'rate_limit_waiting_requests')).toEqual(['name=api: 1']);
    await lab.clock.advance('2s');
    expect(read(lab, 'rate_limit_requests_allowed')).toEqual(['name=api: 2']);
    expect(read(lab, 'rate_limit_requests_rejected')).toEqual(['name=api: 1']);
    expect(read(lab, 'rate_limit_requests_total')).toEqual(['name=api: 3']);
  });

  it('name the clients that are turned away most, in a list that does not grow', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('api', { limit: 1, per: '1h', maxKeys: 100_000 });
    const policy = policies.rateLimit({ name: 'api', limit: 1, per: '1h', maxKeys: 100_000, key: (client: string) => client });
    const ask = (client: string): void => void lab.call(policy, 'ok', { name: 'op', args: [client] });
    for (let client = 0; client < 3000; client++) for (const one of [`rare-${client}`, `rare-${client}`, 'greedy', 'eager']) ask(one);
    await lab.clock.advance(0);
    expect(limiter.keyCount).toBe(3002);
    expect(read(lab, 'rate_limit_top_rejections')).toEqual([]);
    const top = read(lab, 'rate_limit_top_rejections', 0, 10);
    expect(top).toHaveLength(10);
    const counts = Object.fromEntries(top.map((line) => [/client=(\S+):/.exec(line)![1], Number(line.split(': ')[1])]));
    // At most a hundredth of all 8,998 rejections too low.
    expect(counts['greedy']).toBeGreaterThan(2999 - 90);
    expect(counts['eager']).toBeGreaterThan(2999 - 90);
  });

  it('show so many clients in the life of the process, cut, however many there come', async () => {
    const lab = new Lab();
    const limiter = lab.resilience.rateLimiter('api', { limit: 1, per: '1h' });
    const seen = new Set<string>();
    for (let round = 0; round < 60; round++) {
      for (let client = 0; client < 10; client++)
        for (let call = 0; call < 20 + round * 5; call++)
          await limiter.acquire({ key: `${round}-${client}-${'x'.repeat(100)}` }).catch(() => undefined);
      for (const line of read(lab, 'rate_limit_top_rejections', 0, 10)) seen.add(/client=(\S+):/.exec(line)![1]!);
    }
    expect(seen.size).toBeLessThanOrEqual(201);
    expect(seen.has('other')).toBe(true);
    expect(Math.max(...[...seen].map(({ length }) => length))).toBe(64);
  });
});

describe('the metrics of time limits, fallbacks and operations', () => {
  it('count attempts and wholes apart', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.timeout({ duration: 100, total: 250 }), policies.retry({ maxAttempts: 5, backoff: 'none' }));
    lab.call(policy, 'hang', { name: 'op' });
    await lab.clock.advance('1s');
    expect(read(lab, 'timeout_exceeded_total')).toEqual(['name=op scope=attempt: 2', 'name=op scope=total: 1']);
  });

  it('count the tiers of a fallback, and how long they took', async () => {
    const lab = new Lab();
    lab.resilience.measure();
    const cache = () => lab.play('fail@100');
    const copy = () => lab.play('ok@50');
    lab.call(policies.fallback({ tiers: [cache, copy] }), 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    expect(read(lab, 'fallback_calls_total')).toEqual([
      'name=op tier=1 outcome=failed: 1',
      'name=op tier=1 outcome=served: 0',
      'name=op tier=2 outcome=failed: 0',
      'name=op tier=2 outcome=served: 1',
    ]);
    expect(read(lab, 'fallback_duration_seconds')).toEqual(['name=op: 2 in 0.15 s']);
  });

  it('count operations by outcome and by class of error, of which there are at most twenty-one', async () => {
    const lab = new Lab();
    lab.resilience.measure();
    const policy = policies.retry({ maxAttempts: 1 });
    lab.call(policy, 'ok@100', { name: 'op' });
    lab.call(policy, 'fail', { name: 'op' });
    for (let number = 0; number < 30; number++) {
      const error = new { [`Error${number}`]: class extends Error {} }[`Error${number}`]!('no');
      await lab.resilience.execute(policy, () => Promise.reject(error), { name: 'op' }).catch(() => undefined);
    }
    await lab.clock.advance('1s');
    expect(read(lab, 'operation_calls_total')).toEqual([
      'name=op outcome=aborted: 0',
      'name=op outcome=failed: 31',
      'name=op outcome=succeeded: 1',
    ]);
    const errors = read(lab, 'operation_errors_total');
    expect(errors).toHaveLength(21);
    expect(errors).toEqual(expect.arrayContaining(['name=op error=Boom: 1', 'name=op error=Error0: 1', 'name=op error=other: 11']));
    expect(read(lab, 'operation_duration_seconds')).toEqual(['name=op: 32 in 0.1 s']);
  });
});
