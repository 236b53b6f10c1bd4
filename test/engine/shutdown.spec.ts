import { NEVER } from 'rxjs';
import { policies } from '../../src/core.js';
import { Boom, Lab } from '../support/lab.js';

/** A drain, and when it was done. */
function drained(lab: Lab, timeout?: string): { at: number | undefined } {
  const end: { at: number | undefined } = { at: undefined };
  void lab.resilience.drain({ timeout: timeout as '1s' }).then(() => (end.at = lab.clock.now()));
  return end;
}

const queue = policies.bulkhead({ name: 'p', maxConcurrent: 1, maxQueue: 5 });

describe('a drain', () => {
  it('is done at once where nothing is under way, and leaves no timer', async () => {
    const lab = new Lab();
    const call = lab.call(policies.timeout('1m'), 'ok', { name: 'op' });
    await lab.clock.settle();
    const end = drained(lab, '10s');
    await lab.clock.settle();
    expect(end.at).toBe(0);
    expect(call.value).toBe('ok');
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('waits for who runs and who waits, and is done when the last one is', async () => {
    const lab = new Lab();
    const [running, waiting] = [lab.call(queue, 'ok@100', { name: 'op' }), lab.call(queue, 'ok@200', { name: 'op' })];
    expect(lab.resilience.inFlight).toBe(2);
    const end = drained(lab, '10s');
    await lab.clock.advance('5s');
    expect([running, waiting]).toMatchObject([
      { value: 'ok', at: 100 },
      { value: 'ok', at: 300 },
    ]);
    expect(end.at).toBe(300);
    expect(lab.resilience.inFlight).toBe(0);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('turns away who still waits when its time is over, and is done then though a call hangs', async () => {
    const lab = new Lab();
    lab.call(queue, 'hang', { name: 'op' });
    const waiting = lab.call(queue, 'ok', { name: 'op' });
    await lab.clock.settle();
    const end = drained(lab, '2s');
    await lab.clock.advance('5s');
    expect(waiting).toMatchObject({ error: { reason: 'shutdown' }, at: 2000 });
    expect(end.at).toBe(2000);
    expect(lab.resilience.inFlight).toBe(1);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('ends a pause at once that would outlast it: nobody gains by waiting for it', async () => {
    const lab = new Lab();
    const pausing = lab.call(policies.retry({ backoff: '1h' }), 'fail:last', { name: 'other' });
    await lab.clock.settle();
    const end = drained(lab, '2s');
    await lab.clock.settle();
    expect(pausing).toMatchObject({ error: new Boom('last'), at: 0 });
    expect(end.at).toBe(0);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('turns those away at once whose permit comes too late, and serves those before them', async () => {
    const lab = new Lab();
    const limited = policies.rateLimit({ limit: 1, per: '1s', maxWait: '1h' });
    const calls = Array.from({ length: 5 }, () => lab.call(limited, 'ok', { name: 'op' }));
    await lab.clock.settle();
    const end = drained(lab, '2500ms');
    await lab.clock.advance('5s');
    expect(calls).toMatchObject([
      { value: 'ok', at: 0 },
      { value: 'ok', at: 1000 },
      { value: 'ok', at: 2000 },
      { error: { reason: 'shutdown' }, at: 0 },
      { error: { reason: 'shutdown' }, at: 0 },
    ]);
    expect(end.at).toBe(2000);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('lets a pause that is under way go on to its attempt', async () => {
    const lab = new Lab();
    const call = lab.call(policies.retry({ backoff: '100ms' }), 'fail ok', { name: 'op' });
    await lab.clock.settle();
    const end = drained(lab, '2s');
    await lab.clock.advance('5s');
    expect(call).toMatchObject({ value: 'ok', at: 100 });
    expect(end.at).toBe(100);
  });

  it('takes no time limit from a call that runs', async () => {
    const lab = new Lab();
    const call = lab.call(policies.timeout('2s'), 'hang', { name: 'op' });
    await lab.clock.advance('1s');
    void lab.resilience.drain();
    await lab.clock.advance('10s');
    expect(call).toMatchObject({ error: { code: 'ERR_TIMEOUT' }, at: 2000 });
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('lets no wait begin: a pause rethrows the last error and is no event, a wait for a permit is rejected', async () => {
    const lab = new Lab();
    const limit = policies.rateLimit({ name: 'l', limit: 1, per: '1h', maxWait: '2h' });
    lab.call(queue, 'hang', { name: 'op' });
    lab.call(limit, 'ok', { name: 'limited' });
    void lab.resilience.drain({ timeout: '1m' });
    const pausing = lab.call(policies.retry({ backoff: '1h' }), 'fail:last', { name: 'other' });
    const waiting = lab.call(queue, 'ok', { name: 'op' });
    const paced = lab.call(limit, 'ok', { name: 'limited' });
    const byHand = lab.resilience.bulkhead('p').acquire();
    await expect(byHand).rejects.toMatchObject({ reason: 'shutdown' });
    await lab.clock.settle();
    expect(pausing).toMatchObject({ error: new Boom('last'), at: 0 });
    expect(waiting).toMatchObject({ error: { reason: 'shutdown', isRetryable: false }, at: 0 });
    expect(paced).toMatchObject({ error: { reason: 'shutdown', isRetryable: false }, at: 0 });
    expect(lab.told).not.toContain('retry.scheduled');
  });

  it('still lets attempts follow one another at once', async () => {
    const lab = new Lab();
    void lab.resilience.drain({ timeout: '1m' });
    const call = lab.call(policies.retry({ maxAttempts: 3, backoff: 'none' }), 'fail fail ok', { name: 'op' });
    await lab.clock.settle();
    expect(call.value).toBe('ok');
  });

  it('waits for who waits by hand', async () => {
    const lab = new Lab();
    const bulkhead = lab.resilience.bulkhead('hand', { maxConcurrent: 1, maxQueue: 1 });
    const first = await bulkhead.acquire();
    const second = bulkhead.acquire();
    const end = drained(lab, '10s');
    await lab.clock.advance('1s');
    expect(end.at).toBeUndefined();
    first.release();
    await second;
    await lab.clock.settle();
    expect(end.at).toBe(1000);
  });

  it('counts an Observable as long as it is subscribed to', async () => {
    const lab = new Lab();
    const subscription = lab.resilience.executeObservable(queue, () => NEVER, { name: 'op' }).subscribe();
    expect(lab.resilience.inFlight).toBe(1);
    const end = drained(lab, '10s');
    await lab.clock.advance('1s');
    subscription.unsubscribe();
    await lab.clock.settle();
    expect([lab.resilience.inFlight, end.at]).toEqual([0, 1000]);
  });

  it('may be called again with less time', async () => {
    const lab = new Lab();
    lab.call(queue, 'hang', { name: 'op' });
    const waiting = lab.call(queue, 'ok', { name: 'op' });
    const ends = [drained(lab, '10s'), drained(lab, '1s')];
    await lab.clock.advance('20s');
    expect(waiting).toMatchObject({ error: { reason: 'shutdown' }, at: 1000 });
    expect(ends.map(({ at }) => at)).toEqual([10_000, 1000]);
  });

  it.each([
    [500, 'drain: the options must be an object, got 500'],
    [null, 'drain: the options must be an object, got null'],
    [{ timeot: '5s' }, 'drain: has no option "timeot"; did you mean "timeout"?'],
  ])('turns nobody away where its options are wrong: %p', async (options, message) => {
    const lab = new Lab();
    await expect(lab.resilience.drain(options as never)).rejects.toThrow(message);
    const call = lab.call(policies.retry({ maxAttempts: 2, backoff: 10 }), 'fail ok');
    await lab.clock.advance(10);
    expect(call).toMatchObject({ starts: [0, 10], value: 'ok' });
  });

  it('rejects a timeout that is no duration', async () => {
    await expect(new Lab().resilience.drain({ timeout: 'soon' as '1s' })).rejects.toThrow(
      'drain: timeout must be a duration (milliseconds, or a string like "250ms", "10s", "5m"), got "soon"',
    );
  });
});
