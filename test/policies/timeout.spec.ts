import { policies, TimeoutExceededError } from '../../src/core.js';
import { Lab } from '../support/lab.js';

describe('a timeout', () => {
  it('ends an attempt that takes too long', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.timeout('2s'), 'ok@2001', { name: 'op' });
    await lab.clock.advance('1m');
    expect(ending).toMatchObject({
      at: 2000,
      error: { code: 'ERR_TIMEOUT', timeoutMs: 2000, isTotal: false, operationId: 'op', message: 'op did not answer within 2 s' },
    });
    expect(lab.told).toEqual(['timeout.exceeded', 'operation.failed']);
  });

  it('leaves one that is in time, and keeps no timer after its own has fired', async () => {
    const lab = new Lab();
    const ending = lab.call(policies.timeout('2s'), 'ok@1999');
    await lab.clock.advance('2s');
    expect(ending).toMatchObject({ value: 'ok', at: 1999 });
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('bounds each attempt anew, and the total all of them with their waits', async () => {
    const lab = new Lab();
    const ending = lab.call(
      policies.combine(policies.retry({ maxAttempts: 10, backoff: '100ms' }), policies.timeout({ duration: '1s', total: '2500ms' })),
      'hang',
    );
    await lab.clock.advance('1m');
    expect(ending.starts).toEqual([0, 1100, 2200]);
    expect(ending).toMatchObject({ at: 2500, error: { isTotal: true, message: 'anonymous took longer than 2.5 s in total' } });
  });

  it('of the whole does not bound the fallback', async () => {
    const lab = new Lab();
    const fallback = policies.fallback(() => lab.play('ok:late@5000'));
    const ending = lab.call(policies.combine(policies.timeout({ total: '1s' }), fallback), 'hang');
    await lab.clock.advance('1m');
    expect(ending).toMatchObject({ value: 'late', at: 6000 });
  });

  it('aborts the signal of the attempt with the error that the caller gets', async () => {
    const lab = new Lab();
    let signal: AbortSignal | undefined;
    const call = lab.resilience.execute(policies.timeout('1s'), (attempt) => {
      signal = attempt.signal;
      return new Promise(() => undefined);
    });
    const caught = call.catch((error: unknown) => error);
    await lab.clock.advance('1s');
    expect(signal!.aborted).toBe(true);
    expect(signal!.reason).toBe(await caught);
  });

  it('gives a signal that is read late the same reason', async () => {
    const lab = new Lab();
    let late: (() => AbortSignal) | undefined;
    const call = lab.resilience.execute(policies.timeout('1s'), (attempt) => {
      late = () => attempt.signal;
      return new Promise(() => undefined);
    });
    const caught = call.catch((error: unknown) => error);
    await lab.clock.advance('1s');
    expect(late!().reason).toBe(await caught);
  });

  it('never aborts the signal of an attempt that succeeded or just failed', async () => {
    const lab = new Lab();
    const signals: AbortSignal[] = [];
    const call = lab.resilience.execute(
      policies.combine(policies.retry({ backoff: 'none' }), policies.timeout('1s')),
      async ({ attempt, signal }) => {
        signals.push(signal);
        if (attempt < 2) throw new Error('first');
        return 'ok';
      },
    );
    await lab.clock.advance('1h');
    await expect(call).resolves.toBe('ok');
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  });

  it('gives away a late value, and drops a late error', async () => {
    const lab = new Lab();
    const discarded: unknown[] = [];
    const policy = policies.timeout({ duration: '1s', discard: (value) => discarded.push(value) });
    const calls = [lab.call(policy, 'ok:late@1500'), lab.call(policy, 'fail@1500'), lab.call(policy, 'ok:early@500')];
    await lab.clock.advance('1m');
    expect(discarded).toEqual(['late']);
    expect(calls.map(({ error }) => error instanceof TimeoutExceededError)).toEqual([true, true, false]);
  });

  it('gives away no value that came in time, even where it was a bad one', async () => {
    const lab = new Lab();
    const discarded: unknown[] = [];
    const policy = policies.combine(
      policies.retry({ maxAttempts: 3, backoff: '1h', onResult: () => true }),
      policies.timeout({ total: '1s', discard: (value) => discarded.push(value) }),
    );
    const ending = lab.call(policy, 'ok:bad@10');
    await lab.clock.advance('1s');
    expect(ending.error).toBeInstanceOf(TimeoutExceededError);
    expect(discarded).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['gives a promise that is rejected', async () => Promise.reject(new Error('close failed'))],
  ])('says so where discard %s', async (_what, discard) => {
    const lab = new Lab();
    lab.call(policies.timeout({ duration: '1s', discard }), 'ok@1500', { name: 'op' });
    await lab.clock.advance('1m');
    expect(lab.logged).toEqual([expect.stringContaining('op: @Timeout discard threw')]);
  });

  it('sets one timer for ten thousand calls in flight', async () => {
    const lab = new Lab();
    const policy = policies.timeout('1s');
    const calls = Array.from({ length: 10_000 }, () => lab.call(policy, 'hang'));
    expect(lab.clock.pendingTimers).toBe(1);
    await lab.clock.advance('1s');
    expect(calls.every(({ error }) => error instanceof TimeoutExceededError)).toBe(true);
    await lab.clock.advance('20s'); // by then the records of the calls are let go of
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('tells the attempt its deadline and how long the operation has run', async () => {
    const lab = new Lab();
    const seen: unknown[] = [];
    const policy = policies.combine(
      policies.retry({ maxAttempts: 2, backoff: '300ms' }),
      policies.timeout({ duration: '1s', total: '1200ms' }),
    );
    const call = lab.resilience.execute(policy, async ({ deadline, elapsed, attempt, ...rest }) => {
      void rest;
      void elapsed;
      seen.push([attempt, deadline]);
      throw new Error('again');
    });
    call.catch(() => undefined);
    await lab.clock.advance('1m');
    expect(seen).toEqual([
      [1, 1000],
      [2, 1200],
    ]);
    const times: number[] = [];
    await lab.resilience.execute(policies.none(), async (attempt) => {
      await lab.clock.advance(70);
      times.push(attempt.elapsed());
      expect(attempt.deadline).toBeUndefined();
    });
    expect(times).toEqual([70]);
  });
});
