import {
  CircuitOpenError,
  policies,
  ResilienceConfigError,
  TimeoutExceededError,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type Policy,
} from '../../src/core.js';
import { CIRCUIT_TABLE } from '../support/circuit-table.js';
import { Boom, Lab } from '../support/lab.js';

/** Runs steps such as `fail`, `ok@50`, `+1s` (time passes) one after the other and gives the state after each. */
async function states(lab: Lab, policy: Policy, name: string, script: string): Promise<string[]> {
  const seen: string[] = [];
  for (const step of script.split(' ')) {
    if (step.startsWith('+')) await lab.clock.advance(step.slice(1) as '1s');
    else {
      const ending = lab.call(policy, step, { name });
      await lab.clock.advance(step.includes('@') ? Number(step.split('@')[1]) : 0);
      if (ending.error instanceof CircuitOpenError) seen.push('rejected');
    }
    const { state } = lab.resilience.circuitBreaker(name);
    if (seen.at(-1) !== state && seen.at(-1) !== 'rejected') seen.push(state);
  }
  return seen;
}

describe('a circuit breaker', () => {
  it.each(CIRCUIT_TABLE)('%s', async (_what, options, script, expected) => {
    await expect(states(new Lab(), policies.circuitBreaker(options), 'op', script)).resolves.toEqual(expected);
  });

  it('the short form opens after so many failures in a row, for so long', async () => {
    const lab = new Lab();
    expect(await states(lab, policies.circuitBreaker(2, '5s'), 'op', 'fail fail +4999ms +1ms')).toEqual(['closed', 'open', 'half-open']);
  });

  it('lets no more trials pass at a time than it should', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ consecutiveFailures: 1, openDuration: '1s', halfOpenCalls: 2 });
    lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    const calls = [1, 2, 3].map(() => lab.call(policy, 'ok@100', { name: 'op' }));
    await lab.clock.advance('100ms');
    expect(calls.map(({ error }) => error instanceof CircuitOpenError)).toEqual([false, false, true]);
    expect(lab.resilience.circuitBreaker('op').state).toBe('closed');
  });

  it('never hangs half-open: a trial without an answer has failed when its time is over, and makes way in the end', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ consecutiveFailures: 1, openDuration: '1s', halfOpenTimeout: '3s' });
    lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    lab.call(policy, 'hang', { name: 'op' });
    const breaker = lab.resilience.circuitBreaker('op');
    await lab.clock.advance('2999ms');
    expect(breaker.state).toBe('half-open');
    await lab.clock.advance('1ms');
    expect(breaker.state).toBe('open');
    expect(breaker.snapshot().lastError).toMatchObject({
      message: 'Circuit breaker "op" is open: the trial gave no answer within 3 s',
    });
    await lab.clock.advance('5999ms'); // three times its time, from its start
    expect(breaker.state).toBe('half-open');
    expect(lab.call(policy, 'ok', { name: 'op' }).starts).toEqual([]);
    await lab.clock.advance('1ms');
    const trial = lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.settle();
    expect(trial.value).toBe('ok');
    expect(breaker.state).toBe('closed');
  });

  describe('of a trial that gave no answer in time', () => {
    const silent = async (script: string, options: CircuitBreakerOptions = {}) => {
      const lab = new Lab();
      const policy = policies.circuitBreaker({
        name: 'op',
        consecutiveFailures: 1,
        openDuration: '1s',
        halfOpenTimeout: '1s',
        ...options,
      });
      lab.call(policy, 'fail');
      await lab.clock.advance('1s');
      const trial = lab.call(policy, script);
      await lab.clock.advance('1s');
      return { lab, policy, trial, breaker: lab.resilience.circuitBreaker('op') };
    };

    it('takes a late success of the newest one, and closes', async () => {
      const { lab, breaker, trial } = await silent('ok@1500');
      expect(breaker.state).toBe('open');
      await lab.clock.advance('500ms');
      expect([trial.value, breaker.state]).toEqual(['ok', 'closed']);
      expect(lab.told.filter((type) => type.startsWith('circuit'))).toEqual([
        'circuit-breaker.opened',
        'circuit-breaker.half-opened',
        'circuit-breaker.opened',
        'circuit-breaker.closed',
      ]);
    });

    it('goes on half-open from a late success where more are needed', async () => {
      const { lab, policy, breaker } = await silent('ok@1500', { successThreshold: 2 });
      await lab.clock.advance('500ms');
      expect(breaker.state).toBe('half-open');
      lab.call(policy, 'ok');
      await lab.clock.settle();
      expect(breaker.state).toBe('closed');
    });

    it.each<[string, (breaker: CircuitBreaker) => void, string]>([
      ['forced open', (breaker) => breaker.forceOpen(), 'forced-open'],
      ['disabled', (breaker) => breaker.disable(), 'disabled'],
    ])('does not take it after it was %s', async (_what, change, state) => {
      const { lab, breaker } = await silent('ok@1500');
      change(breaker);
      await lab.clock.advance('500ms');
      expect(breaker.state).toBe(state);
    });

    it('does not take it where a failed trial opened the circuit', async () => {
      const { lab, policy, breaker } = await silent('ok@1500', { halfOpenTimeout: '1m', halfOpenCalls: 2, successThreshold: 1 });
      lab.call(policy, 'fail');
      await lab.clock.advance('500ms');
      expect(breaker.state).toBe('open');
    });

    it('takes no late failure or slow success', async () => {
      for (const [script, options] of [
        ['fail@1500', {}],
        ['ok@1500', { slowCallDuration: '1200ms' }],
      ] as const) {
        const { lab, breaker } = await silent(script, options);
        await lab.clock.advance('500ms');
        expect([breaker.state, breaker.snapshot().nextTrialInMs]).toEqual(['open', 500]);
      }
    });

    it('starts no other beside it until it settles', async () => {
      const { lab, policy } = await silent('ok@2500', { successThreshold: 1 });
      await lab.clock.advance('1s');
      const beside = lab.call(policy, 'ok');
      await lab.clock.settle();
      expect(beside.error).toMatchObject({ message: expect.stringContaining('half-open and its trials are under way') as unknown });
    });

    it('aborts the signal, and its caller gets what says so', async () => {
      const lab = new Lab();
      const policy = policies.circuitBreaker({ name: 'op', consecutiveFailures: 1, openDuration: '1s' });
      lab.call(policy, 'fail');
      await lab.clock.advance('1s');
      const call = lab.resilience.execute(
        policy,
        ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      );
      call.catch(() => undefined);
      await lab.clock.advance('1s');
      await expect(call).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN', policyName: 'op' });
      expect(lab.clock.pendingTimers).toBe(0);
      await lab.clock.advance('1s');
      lab.call(policy, 'ok'); // its place is free
      await lab.clock.settle();
      expect(lab.resilience.circuitBreaker('op').state).toBe('closed');
    });

    it('by hand it is the same', async () => {
      const lab = new Lab();
      const breaker = lab.resilience.circuitBreaker('b', { consecutiveFailures: 1, openDuration: '1s' });
      breaker.acquire().failure();
      await lab.clock.advance('1s');
      const permit = breaker.acquire();
      await lab.clock.advance('1s');
      expect(breaker.state).toBe('open');
      permit.success();
      expect(breaker.state).toBe('closed');
    });
  });

  it('gives a trial as long as the time limit of its operation', async () => {
    for (const [timeout, longestMs] of [
      [{ duration: '10s' as const }, 10_000],
      [{ duration: '10s' as const, total: '20s' as const }, 20_000],
    ] as const) {
      const lab = new Lab();
      const breaker = policies.circuitBreaker({ name: 'b', consecutiveFailures: 1, openDuration: '1s' });
      lab.call(policies.combine(breaker, policies.timeout(timeout)), 'fail');
      await lab.clock.advance('1s');
      const trial = lab.call(policies.combine(breaker, policies.timeout({ ...timeout, duration: longestMs })), `ok@${longestMs - 1}`);
      await lab.clock.advance(longestMs - 1);
      expect([trial.value, lab.resilience.circuitBreaker('b').state]).toEqual(['ok', 'closed']);
    }
  });

  it('opens at the next failure where the number in a row was lowered below those there are', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ name: 'op', consecutiveFailures: 10 });
    for (let count = 0; count < 6; count++) lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.settle();
    lab.resilience.reconfigure('op', { circuitBreaker: { consecutiveFailures: 3 } });
    lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.settle();
    expect(lab.resilience.circuitBreaker('op').state).toBe('open');
  });

  describe('asks its function for the open time', () => {
    const opened = async (openDuration: CircuitBreakerOptions['openDuration'] & {}) => {
      const lab = new Lab();
      const policy = policies.circuitBreaker({ name: 'op', consecutiveFailures: 1, openDuration });
      lab.call(policy, 'fail');
      await lab.clock.settle();
      return { lab, policy, breaker: lab.resilience.circuitBreaker('op') };
    };

    it.each<[string, () => unknown]>([
      ['NaN', () => Number.NaN],
      ['Infinity', () => Infinity],
      ['a negative number', () => -1],
      ['no duration', () => 'soon'],
      ['nothing', () => undefined],
      ['a promise', async () => 5],
      ['a promise that is rejected', async () => Promise.reject(new Boom())],
    ])('and takes the default, and says so, where it gives %s', async (_what, openDuration) => {
      const { lab, breaker } = await opened(openDuration as () => number);
      expect(breaker.snapshot().nextTrialInMs).toBe(30_000);
      expect(lab.events.filter(({ type }) => type === 'callback.failed')).toHaveLength(1);
    });

    it('which may be none: the next call is a trial, with time to answer', async () => {
      const { lab, policy, breaker } = await opened((openings) => (openings - 1) * 1000);
      expect(breaker.state).toBe('half-open');
      const trial = lab.call(policy, 'ok@5000');
      await lab.clock.advance('5s');
      expect([trial.value, breaker.state, breaker.trips]).toEqual(['ok', 'closed', 1]);
    });

    it('only when it opens: two users of a name share one breaker', async () => {
      const asked: number[] = [];
      const lab = new Lab();
      const openDuration = (openings: number): number => asked.push(openings) * 100;
      const policy = policies.circuitBreaker({ name: 'shared', consecutiveFailures: 1, openDuration });
      for (const name of ['one', 'two']) lab.call(policy, 'ok', { name });
      await lab.clock.settle();
      expect(asked).toEqual([]);
    });

    it('which may change the state itself', async () => {
      const lab = new Lab();
      const openDuration = (): number => {
        lab.resilience.circuitBreaker('op').forceOpen();
        return 5;
      };
      lab.call(policies.circuitBreaker({ name: 'op', consecutiveFailures: 1, openDuration }), 'fail');
      await lab.clock.settle();
      expect(lab.resilience.circuitBreaker('op')).toMatchObject({ state: 'forced-open', trips: 0 });
    });
  });

  it('lets no trial pass that a listener has forbidden in the event of its half-opening', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ name: 'op', consecutiveFailures: 1, openDuration: '1s' });
    lab.resilience.on('circuit-breaker.half-opened', () => lab.resilience.circuitBreaker('op').forceOpen());
    lab.call(policy, 'fail');
    await lab.clock.advance('1s');
    const call = lab.call(policy, 'ok');
    await lab.clock.settle();
    expect(call).toMatchObject({ starts: [], error: { code: 'ERR_CIRCUIT_OPEN' } });
  });

  describe('of a time limit', () => {
    const endOf = async (options: CircuitBreakerOptions, timeout: { duration?: '1s'; total?: '1s' }): Promise<[number, number]> => {
      const lab = new Lab();
      const breaker = policies.circuitBreaker({ name: 'b', ...options });
      lab.call(policies.combine(breaker, policies.timeout(timeout)), 'hang', { name: 'op' });
      await lab.clock.advance('1s');
      const { calls, failures } = lab.resilience.circuitBreaker('b').snapshot();
      return [calls, failures];
    };

    it.each<[string, CircuitBreakerOptions, [number, number]]>([
      ['hears a failure', {}, [1, 1]],
      ['hears a failure whatever `on` names', { on: Boom }, [1, 1]],
      ['hears a failure whatever `on` says', { on: () => false }, [1, 1]],
      ['hears none where `ignore` names it', { ignore: TimeoutExceededError }, [1, 0]],
    ])('%s', async (_what, options, expected) => {
      await expect(endOf(options, { duration: '1s' })).resolves.toEqual(expected);
      await expect(endOf(options, { total: '1s' })).resolves.toEqual(expected);
    });

    it('that passed while the call waited for a place hears nothing, and a trial is given back', async () => {
      const lab = new Lab();
      const policy = policies.combine(
        policies.circuitBreaker({ name: 'b', consecutiveFailures: 1, openDuration: '1s' }),
        policies.timeout('300ms'),
        policies.bulkhead({ name: 'places', maxConcurrent: 1, maxQueue: 5 }),
      );
      lab.call(policy, 'fail');
      await lab.clock.advance('1s');
      const permit = await lab.resilience.bulkhead('places').acquire();
      const waiting = lab.call(policy, 'ok');
      await lab.clock.advance('300ms');
      expect(waiting).toMatchObject({ starts: [], error: { code: 'ERR_TIMEOUT' } });
      expect(lab.resilience.circuitBreaker('b').state).toBe('half-open');
      permit.release();
      lab.call(policy, 'ok');
      await lab.clock.settle();
      expect(lab.resilience.circuitBreaker('b').state).toBe('closed');
    });
  });

  it('counts how long a call or a trial took from the call of the method, not from the queue', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.circuitBreaker({ name: 'b', window: 2, minimumCalls: 2, slowCallDuration: '100ms', openDuration: '1s' }),
      policies.bulkhead({ name: 'places', maxConcurrent: 1, maxQueue: 5 }),
    );
    const all = [1, 2, 3].map(() => lab.call(policy, 'ok@90'));
    await lab.clock.advance('270ms');
    const breaker = lab.resilience.circuitBreaker('b');
    expect(all.map(({ at }) => at)).toEqual([90, 180, 270]);
    expect([breaker.state, breaker.snapshot().slowCalls]).toEqual(['closed', 0]);
    for (const script of ['fail', 'fail']) lab.call(policy, script);
    await lab.clock.advance('1s');
    const permit = await lab.resilience.bulkhead('places').acquire();
    const trial = lab.call(policy, 'ok@90');
    await lab.clock.advance('1500ms'); // longer than a trial may go without an answer
    expect(breaker.state).toBe('half-open');
    permit.release();
    await lab.clock.advance('90ms');
    expect([trial.value, breaker.state]).toEqual(['ok', 'closed']);
  });

  it('takes the open duration for the longest trial, the first one where it grows', async () => {
    for (const openDuration of ['2s', { initial: '2s', multiplier: 3 }, () => '2s' as const] as const) {
      const lab = new Lab();
      const policy = policies.circuitBreaker({ consecutiveFailures: 1, openDuration });
      lab.call(policy, 'fail', { name: 'op' });
      await lab.clock.advance('2s');
      lab.call(policy, 'hang', { name: 'op' });
      await lab.clock.advance('1999ms');
      expect(lab.resilience.circuitBreaker('op').state).toBe('half-open');
      await lab.clock.advance('1ms');
      expect(lab.resilience.circuitBreaker('op').state).toBe('open');
    }
  });

  it.each<[string, CircuitBreakerOptions['openDuration'], number[]]>([
    ['growing to its maximum', { initial: '1s', multiplier: 2, max: '5s' }, [1000, 2000, 4000, 5000, 5000]],
    ['by a function of the openings', (openings) => openings * 100, [100, 200, 300, 400, 500]],
    [
      'by a function that throws, the default',
      () => {
        throw new Error('no');
      },
      [30_000, 30_000, 30_000, 30_000, 30_000],
    ],
  ])('stays open %s, and starts anew after closing', async (_what, openDuration, expected) => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ consecutiveFailures: 1, openDuration: openDuration!, halfOpenTimeout: '1h' });
    const breaker = lab.resilience.circuitBreaker('op', policy);
    const fail = async (): Promise<number> => {
      lab.call(policy, 'fail', { name: 'op' });
      await lab.clock.settle();
      return breaker.snapshot().nextTrialInMs!;
    };
    const seen: number[] = [];
    for (let round = 0; round < 5; round++) {
      seen.push(await fail());
      await lab.clock.advance(seen.at(-1)!);
    }
    expect(seen).toEqual(expected);
    lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.settle();
    expect(await fail()).toBe(expected[0]);
  });

  it('becomes half-open by itself where that is wanted, and keeps no timer when it is changed by hand', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ consecutiveFailures: 1, openDuration: '1s', automaticHalfOpen: true });
    lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    expect(lab.told).toContain('circuit-breaker.half-opened');
    lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.settle();
    expect(lab.clock.pendingTimers).toBe(1);
    lab.resilience.circuitBreaker('op').reset();
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('has a circuit for each key, a common one for no key, and forgets the least used, open ones last', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ consecutiveFailures: 1, maxKeys: 2, key: (tenant: string | undefined) => tenant });
    const call = async (key: string | undefined, script: string): Promise<boolean> => {
      const ending = lab.call(policy, script, { name: 'op', args: [key] });
      await lab.clock.settle();
      return ending.error instanceof CircuitOpenError;
    };
    await call('a', 'fail');
    await call('b', 'ok');
    expect(await call('a', 'ok')).toBe(true);
    expect(await call(undefined, 'ok')).toBe(false);
    await call('c', 'ok'); // takes the place of b, because a is open
    const breaker = lab.resilience.circuitBreaker('op');
    expect([breaker.stateOf('a'), breaker.stateOf('b'), breaker.keyCount, breaker.state]).toEqual(['open', 'closed', 2, 'closed']);
    expect(breaker.worst()).toMatchObject({ key: 'a', state: 'open' });
    expect(breaker.trips).toBe(1);
    breaker.reset('a');
    expect(await call('a', 'ok')).toBe(false);
  });

  it('fails the call, and takes nothing, where its key function throws', async () => {
    const lab = new Lab();
    const policy = policies.combine(
      policies.circuitBreaker({
        consecutiveFailures: 1,
        key: () => {
          throw new Error('key');
        },
      }),
      policies.bulkhead({ name: 'places', maxConcurrent: 1 }),
    );
    const ending = lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.settle();
    expect(ending).toMatchObject({ error: new Error('key'), starts: [] });
    expect(lab.resilience.circuitBreaker('op').snapshot()).toMatchObject({ calls: 0, state: 'closed' });
    expect(lab.resilience.bulkhead('places').running).toBe(0);
  });

  it('counts a value that onResult rejects as a failure, and passes it on', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.circuitBreaker({ consecutiveFailures: 1, onResult: (value) => value === 'bad' }), 'ok:bad', {
      name: 'op',
    });
    await lab.clock.settle();
    expect(ending.value).toBe('bad');
    expect(lab.resilience.circuitBreaker('op').state).toBe('open');
  });

  describe('is told of an abort', () => {
    const abort = new DOMException('gone', 'AbortError');
    const stateAfter = async (args: readonly unknown[], error: unknown): Promise<string> => {
      const lab = new Lab();
      const policy = policies.circuitBreaker({ consecutiveFailures: 1, openDuration: '1s' });
      lab.call(policy, 'fail', { name: 'op' });
      await lab.clock.advance('1s');
      await expect(lab.resilience.execute(policy, () => Promise.reject(error as Error), { name: 'op', args })).rejects.toBe(error);
      return lab.resilience.circuitBreaker('op').state;
    };
    const aborted = AbortSignal.abort();
    const unread = {
      get signal() {
        throw new Error('not to be read');
      },
    };

    it.each<[string, readonly unknown[], unknown, string]>([
      ['of the method’s own making: a failure', [], abort, 'open'],
      ['that Axios calls by its code: a failure', [], { code: 'ERR_CANCELED' }, 'open'],
      ['while the caller’s signal is not aborted: a failure', [new AbortController().signal, null, 5, {}, unread], abort, 'open'],
      ['after the caller aborted a signal among the arguments: no verdict', ['a', aborted], abort, 'half-open'],
      ['after the caller aborted a signal in options: no verdict', [{ signal: aborted }], abort, 'half-open'],
      ['that is another error, after the caller aborted: a failure', [aborted], new Boom(), 'open'],
    ])('%s', async (_what, args, error, expected) => {
      await expect(stateAfter(args, error)).resolves.toBe(expected);
    });
  });

  it('tells every change of state once, with its figures', async () => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ name: 'b', window: 10, minimumCalls: 2, openDuration: '1s' });
    await states(lab, policy, 'b', 'fail fail ok +1s ok');
    lab.resilience.circuitBreaker('b').forceOpen();
    expect(lab.events.filter(({ type }) => type.startsWith('circuit-breaker'))).toEqual([
      expect.objectContaining({
        type: 'circuit-breaker.opened',
        policyName: 'b',
        operationId: 'b',
        calls: 2,
        failures: 2,
        openMs: 1000,
        lastError: expect.any(Boom) as unknown,
      }),
      expect.objectContaining({ type: 'circuit-breaker.rejected', retryAfterMs: 1000 }),
      expect.objectContaining({ type: 'circuit-breaker.half-opened' }),
      expect.objectContaining({ type: 'circuit-breaker.closed' }),
      expect.objectContaining({ type: 'circuit-breaker.state-forced', from: 'closed', to: 'forced-open', operationId: undefined }),
    ]);
  });

  it.each([
    ['forceOpen', 'forced-open', true],
    ['disable', 'disabled', false],
    ['metricsOnly', 'metrics-only', false],
    ['close', 'closed', false],
    ['reset', 'closed', false],
  ] as const)('by %s is %s until somebody says otherwise', async (method, state, rejects) => {
    const lab = new Lab();
    const policy = policies.circuitBreaker({ consecutiveFailures: 5, openDuration: '1s' });
    const breaker = lab.resilience.circuitBreaker('op', policy);
    breaker[method]();
    for (let count = 0; count < 4; count++) lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance('1h');
    const ending = lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.settle();
    expect(breaker.state).toBe(state);
    expect(ending.error instanceof CircuitOpenError).toBe(rejects);
    expect(breaker.snapshot().calls).toBe({ 'forced-open': 0, disabled: 0, 'metrics-only': 5, closed: 5 }[state]);
  });
});

describe('a permit of a breaker', () => {
  it('is told once how the call ended; later endings do nothing', () => {
    const lab = new Lab();
    const breaker = lab.resilience.circuitBreaker('b', { consecutiveFailures: 2 });
    const permit = breaker.acquire();
    permit.success();
    permit.failure(new Boom());
    permit.release();
    expect(breaker.snapshot()).toMatchObject({ calls: 1, failures: 0 });
    breaker.acquire().failure(new Boom());
    breaker.acquire().failure(new Boom());
    expect(breaker.state).toBe('open');
    expect(breaker.tryAcquire()).toBeUndefined();
    expect(() => breaker.acquire()).toThrow(CircuitOpenError);
  });

  it('gives a trial back at the end of its block, where nobody said how it ended', async () => {
    const lab = new Lab();
    const breaker = lab.resilience.circuitBreaker('b', { consecutiveFailures: 1, openDuration: '1s' });
    breaker.acquire().failure();
    await lab.clock.advance('1s');
    {
      using permit = breaker.acquire();
      expect(permit).toBeDefined();
      expect(breaker.tryAcquire()).toBeUndefined();
    }
    breaker.acquire().success();
    expect(breaker.state).toBe('closed');
  });

  it('is judged by the filters of the breaker', () => {
    const breaker = new Lab().resilience.circuitBreaker('b', { window: 10, ignore: TypeError, onResult: (value) => value === 'bad' });
    breaker.acquire().failure(new TypeError());
    breaker.acquire().success('bad');
    breaker.acquire().success('good');
    breaker.acquire().failure(new Boom());
    breaker.acquire().failure(new DOMException('gone', 'AbortError')); // whose abort it was is known to nobody: release() says so
    expect(breaker.snapshot()).toMatchObject({ calls: 5, failures: 3 });
  });

  it('belongs to a key', () => {
    const breaker = new Lab().resilience.circuitBreaker('b', { consecutiveFailures: 1 });
    breaker.acquire('a').failure();
    expect([breaker.tryAcquire('a'), breaker.stateOf('a'), breaker.state]).toEqual([undefined, 'open', 'closed']);
    expect(breaker.tryAcquire('b')).toBeDefined();
    expect(() => breaker.acquire('a')).toThrow('for key "a" is open');
  });

  it('may belong to a key that is a number; any other key is a mistake', () => {
    const breaker = new Lab().resilience.circuitBreaker('b', { consecutiveFailures: 1 });
    breaker.acquire(7n as never).failure();
    expect(breaker.stateOf('7')).toBe('open');
    expect(() => breaker.acquire(7 as never)).toThrow('for key "7" is open');
    expect(() => breaker.acquire(['7'] as never)).toThrow('the key for circuit breaker "b" must give text');
  });

  it('that is rejected is counted and told, also by tryAcquire', async () => {
    const lab = new Lab();
    const breaker = lab.resilience.circuitBreaker('b', {});
    breaker.forceOpen();
    for (let time = 0; time < 3; time++) breaker.tryAcquire();
    expect(() => breaker.acquire()).toThrow(CircuitOpenError);
    expect(lab.told.filter((type) => type === 'circuit-breaker.rejected')).toHaveLength(4);
    expect(breaker.observeCircuits()[0]!.counts.rejections).toBe(4);
  });
});

describe('a name', () => {
  it('stands for one breaker, whoever uses it', async () => {
    const lab = new Lab();
    const policy = () => policies.circuitBreaker({ name: 'shared', consecutiveFailures: 1, on: Boom });
    lab.call(policy(), 'fail', { name: 'one' });
    await lab.clock.settle();
    const other = lab.call(policy(), 'ok', { name: 'two' });
    await lab.clock.settle();
    expect(other.error).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', operationId: 'two', policyName: 'shared' });
  });

  it('with different options is a mistake that names both places', () => {
    const lab = new Lab();
    lab.call(policies.circuitBreaker({ name: 'shared', window: 10 }), 'ok', { name: 'one' });
    expect(() => lab.resilience.declare('two', policies.circuitBreaker({ name: 'shared', window: 20 }))).toThrow(
      new ResilienceConfigError([
        'two: the name "shared" is in use by one with a different window; equal names share one circuitBreaker, so give both the same options or one another name',
      ]),
    );
  });

  it('without one the policy object owns the state', async () => {
    const lab = new Lab();
    const [first, second] = [policies.circuitBreaker(1), policies.circuitBreaker(1)];
    lab.call(first, 'fail');
    await lab.clock.settle();
    const [closed, open] = [lab.call(second, 'ok'), lab.call(first, 'ok')];
    await lab.clock.settle();
    expect([closed.value, (open.error as { code?: string }).code]).toEqual(['ok', 'ERR_CIRCUIT_OPEN']);
  });
});
