import { CircuitOpenError, policies, type CircuitBreakerOptions } from '../../src/core.js';
import { CIRCUIT_TABLE } from '../support/circuit-table.js';
import { Lab } from '../support/lab.js';
import { FakeClock } from '../../src/testing/index.js';
import { BACKENDS, CircuitFleet } from './circuit-fleet.js';
import { startServer, stopServer } from './redis-port.js';

beforeAll(startServer);
afterAll(stopServer);

const OPENS_AT_ONCE: CircuitBreakerOptions = { name: 'op', consecutiveFailures: 1, openDuration: '1s', shared: true };

describe.each(Object.entries(BACKENDS))('circuit breakers that share a store: %s', (_name, backend) => {
  let fleet: CircuitFleet;
  const start = (instances: number, settings = {}): CircuitFleet => {
    fleet = new CircuitFleet(backend, settings);
    for (let index = 0; index < instances; index++) fleet.start();
    return fleet;
  };
  afterEach(() => fleet.end());

  /** Runs the steps of the table and gives the states that the given instance sees. */
  async function states(options: CircuitBreakerOptions, script: string, instances: number): Promise<string[]> {
    start(instances);
    const policy = policies.circuitBreaker({ ...options, name: 'op', shared: true });
    for (const { resilience } of fleet.labs) resilience.declare('call', policy);
    await fleet.settle();
    const seen: string[] = [];
    let turn = 0;
    for (const step of script.split(' ')) {
      if (step.startsWith('+')) await fleet.advance(Number(step.slice(1).replace(/s$/, '')) * 1000);
      else {
        const ending = await fleet.call(turn++ % instances, policy, step, { name: 'call' });
        await fleet.advance((step.includes('@') ? Number(step.split('@')[1]) : 0) + 110); // and a round
        if (ending.error instanceof CircuitOpenError) seen.push('rejected');
      }
      const all = fleet.states('op');
      expect(new Set(all).size).toBe(1);
      if (seen.at(-1) !== all[0] && seen.at(-1) !== 'rejected') seen.push(all[0]!);
    }
    return seen;
  }

  describe.each([1, 2, 3])('%i instances that take turns', (instances) => {
    it.each(CIRCUIT_TABLE)('%s', async (_what, options, script, expected) => {
      expect(await states(options, script, instances)).toEqual(expected);
    });
  });

  const opened = async (instances: number, options: CircuitBreakerOptions = {}, settings = {}) => {
    start(instances, settings);
    const policy = policies.circuitBreaker({ ...OPENS_AT_ONCE, ...options });
    for (const { resilience } of fleet.labs) resilience.declare('call', policy);
    await fleet.settle();
    await fleet.call(0, policy, 'fail');
    await fleet.advance(100);
    expect(new Set(fleet.states('op'))).toEqual(new Set(['open']));
    return policy;
  };

  it('asks the store nothing on the way of a call while closed', async () => {
    start(1);
    const policy = policies.circuitBreaker({ name: 'op', shared: true });
    await fleet.call(0, policy, 'ok');
    const before = fleet.wires[0]!.sent.length;
    for (let index = 0; index < 50; index++) await fleet.call(0, policy, 'ok');
    expect(fleet.wires[0]!.sent.length).toBe(before);
  });

  it('opens for all when the calls of all together pass the threshold', async () => {
    start(2);
    const policy = policies.circuitBreaker({ name: 'op', window: '10s', minimumCalls: 4, shared: true });
    for (const { resilience } of fleet.labs) resilience.declare('call', policy);
    for (const index of [0, 1, 0, 1]) await fleet.call(index, policy, 'fail');
    expect(fleet.states('op')).toEqual(['closed', 'closed']);
    await fleet.advance(110);
    expect(fleet.states('op')).toEqual(['open', 'open']);
    expect(fleet.labs.map(({ resilience }) => resilience.circuitBreaker('op').snapshot().calls)).toEqual([4, 4]);
  });

  it('one that hears nothing learns of it by asking', async () => {
    const policy = policies.circuitBreaker(OPENS_AT_ONCE);
    start(2);
    fleet.wires[1]!.isDeaf = true;
    for (const { resilience } of fleet.labs) resilience.declare('call', policy);
    await fleet.settle();
    await fleet.call(0, policy, 'fail');
    expect(fleet.states('op')).toEqual(['open', 'closed']);
    await fleet.advance(200);
    expect(fleet.states('op')).toEqual(['open', 'open']);
  });

  it('one that starts later starts with the state of the fleet', async () => {
    const policy = await opened(1);
    fleet.start().resilience.declare('call', policy);
    await fleet.settle();
    expect(fleet.states('op')).toEqual(['open', 'open']);
  });

  it('the state survives a restart of all instances', async () => {
    const policy = await opened(2, { openDuration: '1m' });
    await fleet.stop(0);
    await fleet.stop(1);
    fleet.start().resilience.declare('call', policy);
    await fleet.settle();
    expect(fleet.labs[2]!.resilience.circuitBreaker('op').state).toBe('open');
    expect(fleet.labs[2]!.resilience.circuitBreaker('op').snapshot().nextTrialInMs).toBeCloseTo(59_900, -2);
  });

  it('a count window holds what was merged lately, so one bad instance of eight opens nothing', async () => {
    start(8);
    const policy = policies.circuitBreaker({ name: 'op', window: 10, minimumCalls: 10, shared: true });
    for (const { resilience } of fleet.labs) resilience.declare('call', policy);
    await fleet.settle();
    for (let round = 0; round < 10; round++) {
      for (let index = 0; index < 8; index++)
        for (let call = 0; call < 12; call++) fleet.labs[index]!.call(policy, index === 7 && round > 0 ? 'fail' : 'ok');
      await fleet.advance(100);
      expect(new Set(fleet.states('op'))).toEqual(new Set(['closed']));
    }
  });

  it('clocks of instances may be apart: durations count, by the clock of the store', async () => {
    const policy = await opened(1, { openDuration: '1m' });
    const ahead = new FakeClock();
    await ahead.advance('10m');
    const other = fleet.start(ahead);
    other.resilience.declare('call', policy);
    await fleet.settle();
    expect(other.resilience.circuitBreaker('op').snapshot()).toMatchObject({ state: 'open' });
    expect(other.resilience.circuitBreaker('op').snapshot().nextTrialInMs).toBeCloseTo(59_900, -2);
  });

  describe('half-open', () => {
    it('lets one trial pass in the whole fleet, and its success closes the circuit for all', async () => {
      const policy = await opened(3);
      await fleet.advance(1000);
      const calls = fleet.labs.map((lab) => lab.call(policy, 'ok@50'));
      await fleet.advance(50);
      expect(calls.filter(({ value }) => value === 'ok')).toHaveLength(1);
      expect(calls.filter(({ error }) => error instanceof CircuitOpenError)).toHaveLength(2);
      await fleet.advance(100);
      expect(fleet.states('op')).toEqual(['closed', 'closed', 'closed']);
    });

    it('one that was told no asks again only after a round', async () => {
      const policy = await opened(2, { halfOpenTimeout: '1m' });
      await fleet.advance(1000);
      await fleet.call(0, policy, 'hang');
      const asked = (): number => fleet.wires[1]!.sent.filter((name) => name === 'trial').length;
      for (let call = 0; call < 5; call++) await fleet.call(1, policy, 'ok');
      const atFirst = asked();
      expect(atFirst).toBeLessThanOrEqual(2); // the first answer is news at the same time
      await fleet.call(1, policy, 'ok');
      expect(asked()).toBe(atFirst);
      await fleet.advance(110);
      await fleet.call(1, policy, 'ok');
      expect(asked()).toBe(atFirst + 1);
    });

    it('a trial without an answer has failed at halfOpenTimeout, and what it answers later is no verdict', async () => {
      const policy = await opened(2, { halfOpenTimeout: '300ms' });
      await fleet.advance(1000);
      const trial = await fleet.call(0, policy, 'ok@2000');
      await fleet.advance(299);
      expect(fleet.states('op')).toEqual(['half-open', 'half-open']);
      await fleet.advance(100);
      expect(fleet.states('op')).toEqual(['open', 'open']);
      await fleet.advance(1000);
      expect(fleet.states('op')).toEqual(['half-open', 'half-open']);
      await fleet.advance(1000);
      expect(trial.value).toBe('ok');
      expect(fleet.states('op')).toEqual(['half-open', 'half-open']);
    });

    it('the permit of a crashed holder comes back without a verdict, and its late answer gives none', async () => {
      const policy = await opened(2, { halfOpenTimeout: '300ms' });
      await fleet.advance(1000);
      const paused = await fleet.call(0, policy, 'ok@700');
      fleet.wires[0]!.isCut = true; // it can tell nobody: neither that it fell silent, nor that it answered
      fleet.wires[0]!.isDeaf = true;
      await fleet.call(1, policy, 'ok');
      expect(fleet.labs[1]!.resilience.circuitBreaker('op').state).toBe('half-open');
      await fleet.advance(499);
      expect((await fleet.call(1, policy, 'ok@5000')).error).toBeInstanceOf(CircuitOpenError);
      await fleet.advance(110);
      const next = await fleet.call(1, policy, 'ok@250');
      expect(next.starts).toHaveLength(1);
      fleet.wires[0]!.isCut = false;
      await fleet.advance(100);
      expect(paused.value).toBe('ok');
      expect(fleet.labs[1]!.resilience.circuitBreaker('op').state).toBe('half-open');
      await fleet.advance(150);
      expect(fleet.labs[1]!.resilience.circuitBreaker('op').state).toBe('closed');
    });

    it('a caller who leaves while the trial is asked for takes none with him', async () => {
      const policy = await opened(1, { halfOpenTimeout: '1m' });
      await fleet.advance(1000);
      let answer!: () => void;
      fleet.wires[0]!.delay = new Promise((resolve) => (answer = resolve));
      const controller = new AbortController();
      const call = fleet.labs[0]!.call(policy, 'ok', { signal: controller.signal });
      await fleet.settle();
      controller.abort(new Error('gone'));
      await fleet.settle();
      expect(call).toMatchObject({ error: { message: 'gone' }, starts: [] });
      fleet.wires[0]!.delay = undefined;
      answer();
      await fleet.advance(200);
      expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
      await fleet.advance(100);
      expect(fleet.states('op')).toEqual(['closed']);
    });

    it('trials that are held when the application ends are given back', async () => {
      const policy = await opened(2, { halfOpenTimeout: '1m' });
      await fleet.advance(1000);
      await fleet.call(0, policy, 'hang');
      expect((await fleet.call(1, policy, 'ok')).error).toBeInstanceOf(CircuitOpenError);
      await fleet.stop(0);
      await fleet.advance(110);
      expect(await fleet.call(1, policy, 'ok')).toMatchObject({ value: 'ok' });
    });

    it('becomes half-open by itself where that is wanted', async () => {
      await opened(2, { automaticHalfOpen: true });
      await fleet.advance(1200);
      expect([fleet.told(0), fleet.told(1)]).toEqual([
        ['circuit-breaker.opened', 'circuit-breaker.half-opened'],
        ['circuit-breaker.opened', 'circuit-breaker.half-opened'],
      ]);
    });

    it('an aborted trial gives its permit back', async () => {
      const policy = await opened(2, { halfOpenTimeout: '1m' });
      await fleet.advance(1000);
      const controller = new AbortController();
      fleet.labs[0]!.call(policy, 'hang', { signal: controller.signal });
      await fleet.settle();
      controller.abort();
      await fleet.advance(110);
      expect(await fleet.call(1, policy, 'ok')).toMatchObject({ value: 'ok' });
    });
  });

  describe('by hand', () => {
    it('a command acts on the fleet, and on who starts later', async () => {
      start(2);
      const policy = policies.circuitBreaker({ name: 'op', shared: true });
      for (const { resilience } of fleet.labs) resilience.declare('call', policy);
      await fleet.settle();
      fleet.labs[0]!.resilience.circuitBreaker('op').forceOpen();
      await fleet.advance(200);
      fleet.start().resilience.declare('call', policy);
      await fleet.settle();
      expect(fleet.states('op')).toEqual(['forced-open', 'forced-open', 'forced-open']);
      expect(fleet.told(1)).toEqual(['circuit-breaker.state-forced']);
      fleet.labs[1]!.resilience.circuitBreaker('op').close();
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['closed', 'closed', 'closed']);
    });

    it('one with the scope of an instance acts on that one, until it goes back to the fleet', async () => {
      const policy = await opened(2, { openDuration: '1m' });
      fleet.labs[0]!.resilience.circuitBreaker('op').disable(undefined, { scope: 'instance' });
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['disabled', 'open']);
      expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
      fleet.labs[0]!.resilience.circuitBreaker('op').close(undefined, { scope: 'instance' });
      expect(fleet.states('op')).toEqual(['open', 'open']);
      expect(() => fleet.labs[0]!.resilience.circuitBreaker('op').close(undefined, { scope: 'all' as never })).toThrow(/scope must be/);
    });

    it('a reset while trials run makes their verdicts void', async () => {
      const policy = await opened(2);
      await fleet.advance(1000);
      await fleet.call(0, policy, 'fail@50');
      fleet.labs[1]!.resilience.circuitBreaker('op').reset();
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['closed', 'closed']);
    });

    it('permits come from request, which may ask the store', async () => {
      await opened(1);
      const breaker = fleet.labs[0]!.resilience.circuitBreaker('op');
      expect(() => breaker.tryAcquire()).toThrow('circuit breaker "op" is shared: request() gives its permits');
      expect(() => breaker.acquire()).toThrow(/request\(\)/);
      await expect(breaker.request()).rejects.toBeInstanceOf(CircuitOpenError);
      await fleet.advance(1000);
      const trial = await breaker.request();
      await expect(breaker.request()).rejects.toBeInstanceOf(CircuitOpenError);
      trial.success();
      await fleet.settle();
      expect(breaker.state).toBe('closed');
      (await breaker.request()).success();
    });
  });

  describe('keys', () => {
    const keyed = (maxKeys: number): CircuitBreakerOptions<[key: string]> => ({
      name: 'op',
      consecutiveFailures: 1,
      openDuration: '1m',
      shared: true,
      key: (key) => key,
      maxKeys,
    });

    it('share per key', async () => {
      start(2);
      const policy = policies.circuitBreaker(keyed(2));
      await fleet.call(1, policy, 'ok', { args: ['acme'] });
      await fleet.call(0, policy, 'fail', { args: ['acme'] });
      await fleet.advance(200);
      expect(fleet.states('op', 'acme')).toEqual(['open', 'open']);
      expect(fleet.states('op')).toEqual(['closed', 'closed']);
      expect(await fleet.call(1, policy, 'ok', { args: ['other'] })).toMatchObject({ value: 'ok' });
    });

    it('one that was forgotten here is asked for again', async () => {
      start(1);
      const policy = policies.circuitBreaker(keyed(1));
      await fleet.call(0, policy, 'fail', { args: ['a'] });
      await fleet.advance(100);
      await fleet.call(0, policy, 'ok', { args: ['b'] });
      await fleet.advance(100);
      await fleet.call(0, policy, 'ok', { args: ['a'] });
      await fleet.advance(100);
      expect((await fleet.call(0, policy, 'ok', { args: ['a'] })).error).toBeInstanceOf(CircuitOpenError);
    });
  });

  describe('a store that forgets or fails', () => {
    it('gets back what an instance knows', async () => {
      const policy = await opened(2, { openDuration: '1m' });
      await fleet.backend.clear();
      await fleet.advance(300);
      fleet.start().resilience.declare('call', policy);
      await fleet.settle();
      expect(fleet.states('op')).toEqual(['open', 'open', 'open']);
    });

    it('gets it back where a trial finds nothing', async () => {
      const policy = await opened(1);
      await fleet.advance(1000);
      await fleet.backend.clear();
      expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
      expect(fleet.states('op')).toEqual(['closed']);
    });

    it('local: goes on from what the fleet was in, and its counts are merged afterwards', async () => {
      start(2);
      const policy = policies.circuitBreaker({ name: 'op', window: '10s', minimumCalls: 4, openDuration: '1s', shared: true });
      for (const { resilience } of fleet.labs) resilience.declare('call', policy);
      await fleet.advance(100);
      await fleet.cut(0, true);
      for (let call = 0; call < 3; call++) await fleet.call(0, policy, 'fail');
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['closed', 'closed']);
      await fleet.cut(0, false);
      await fleet.call(1, policy, 'fail');
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['open', 'open']);
      expect(fleet.labs[1]!.resilience.circuitBreaker('op').snapshot()).toMatchObject({ calls: 4, failures: 4 });
    });

    it('local: an open circuit becomes half-open and closes by trials of its own', async () => {
      const policy = await opened(1);
      await fleet.cut(0, true);
      expect((await fleet.call(0, policy, 'ok')).error).toBeInstanceOf(CircuitOpenError);
      await fleet.advance(1000);
      expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
      expect(fleet.states('op')).toEqual(['closed']);
    });

    it('local: opens by itself, and what it saw opens the circuit of the fleet when the store is back', async () => {
      start(2);
      const policy = policies.circuitBreaker({ name: 'op', window: '10s', minimumCalls: 4, openDuration: '1s', shared: true });
      for (const { resilience } of fleet.labs) resilience.declare('call', policy);
      await fleet.advance(100);
      await fleet.cut(0, true);
      for (let call = 0; call < 4; call++) await fleet.call(0, policy, 'fail');
      expect(fleet.states('op')).toEqual(['open', 'closed']);
      await fleet.cut(0, false);
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['open', 'open']);
    });

    it('allow: lets all calls pass', async () => {
      const policy = await opened(1, { onStoreFailure: 'allow', openDuration: '1m' });
      await fleet.cut(0, true);
      for (let call = 0; call < 3; call++) expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
      await fleet.cut(0, false);
      expect((await fleet.call(0, policy, 'ok')).error).toBeInstanceOf(CircuitOpenError);
    });

    it('reject: lets none pass', async () => {
      start(1);
      const policy = policies.circuitBreaker({ name: 'op', shared: true, onStoreFailure: 'reject' });
      await fleet.call(0, policy, 'ok');
      await fleet.cut(0, true);
      expect((await fleet.call(0, policy, 'ok')).error).toBeInstanceOf(CircuitOpenError);
      await fleet.cut(0, false);
      expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
    });

    it('another way to go on may be chosen while the store is away', async () => {
      start(1);
      const policy = policies.circuitBreaker({ name: 'op', shared: true, onStoreFailure: 'reject' });
      fleet.labs[0]!.resilience.declare('call', policy);
      await fleet.settle();
      await fleet.cut(0, true);
      const { resilience } = fleet.labs[0]!;
      expect((await fleet.call(0, policy, 'ok', { name: 'call' })).error).toBeInstanceOf(CircuitOpenError);
      for (const [onStoreFailure, isRejected] of [
        ['allow', false],
        ['reject', true],
        ['local', false],
      ] as const) {
        resilience.reconfigure('op', { circuitBreaker: { onStoreFailure } });
        expect(
          (await fleet.call(0, policies.circuitBreaker({ ...policy, onStoreFailure }), 'ok', { name: 'call' })).error instanceof
            CircuitOpenError,
        ).toBe(isRejected);
      }
    });

    it('a command by hand that could not be sent is sent when the store is back', async () => {
      start(2);
      const policy = policies.circuitBreaker({ name: 'op', shared: true });
      for (const { resilience } of fleet.labs) resilience.declare('call', policy);
      await fleet.settle();
      await fleet.cut(0, true);
      fleet.labs[0]!.resilience.circuitBreaker('op').forceOpen();
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['forced-open', 'closed']);
      await fleet.cut(0, false);
      await fleet.advance(200);
      expect(fleet.states('op')).toEqual(['forced-open', 'forced-open']);
    });

    it('a merge whose answer was lost counts once', async () => {
      start(1);
      const policy = policies.circuitBreaker({ name: 'op', window: '10s', minimumCalls: 100, shared: true });
      fleet.labs[0]!.resilience.declare('call', policy);
      await fleet.advance(100);
      await fleet.call(0, policy, 'fail');
      fleet.wires[0]!.losesAnswers = true;
      await fleet.advance(100);
      fleet.wires[0]!.losesAnswers = false;
      await fleet.advance(300);
      expect(fleet.labs[0]!.resilience.circuitBreaker('op').snapshot()).toMatchObject({ calls: 1, failures: 1 });
    });

    it('a store that answers never lets no call hang, and one that answers late gets its trial back', async () => {
      const policy = await opened(1, { halfOpenTimeout: '1m' });
      await fleet.advance(1000);
      let answer!: () => void;
      fleet.wires[0]!.delay = new Promise((resolve) => (answer = resolve));
      const call = fleet.labs[0]!.call(policy, 'ok');
      await fleet.advance(150);
      expect(call.error).toBeInstanceOf(CircuitOpenError);
      fleet.wires[0]!.delay = undefined;
      answer();
      await fleet.advance(200);
      expect(await fleet.call(0, policy, 'ok')).toMatchObject({ value: 'ok' });
    });
  });

  it('other settings while it runs: a window of another shape begins anew, and what was counted is not lost on the way', async () => {
    start(1);
    const policy = policies.circuitBreaker({ name: 'op', window: '10s', minimumCalls: 3, shared: true });
    await fleet.call(0, policy, 'fail');
    await fleet.call(0, policy, 'fail');
    fleet.labs[0]!.resilience.reconfigure('op', { circuitBreaker: { window: 50 } });
    await fleet.advance(100);
    for (let call = 0; call < 3; call++) await fleet.call(0, policy, 'fail');
    await fleet.advance(200);
    expect(fleet.states('op')).toEqual(['open']);
    expect(() => fleet.labs[0]!.resilience.reconfigure('op', { circuitBreaker: { shared: false } })).toThrow(/cannot be changed/);
  });
});

describe('a shared circuit breaker', () => {
  it('without a store is an error of the start that says what to import', () => {
    expect(() => new Lab().resilience.declare('op', policies.circuitBreaker({ shared: true }))).toThrow(
      /circuit breaker "op": shared needs a store: import ResilienceRedisModule/,
    );
  });

  it('refuses a window that is too short for its counts to come together', async () => {
    const fleet = new CircuitFleet(BACKENDS.memory);
    const lab = fleet.start();
    expect(() => lab.resilience.declare('op', policies.circuitBreaker({ window: '999ms', shared: true }))).toThrow(
      /circuit breaker "op": a shared window must last at least 1 s/,
    );
    lab.resilience.declare('fine', policies.circuitBreaker({ window: '1s', shared: true }));
    expect(() => lab.resilience.reconfigure('fine', { circuitBreaker: { window: '500ms' } })).toThrow(/at least 1 s/);
    await fleet.end();
  });
});
