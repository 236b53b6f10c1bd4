import { getEventListeners } from 'node:events';
import { forkJoin, lastValueFrom, NEVER, of, type Subscription } from 'rxjs';
import { policies } from '../../src/core.js';
import { offAbort, onAbort } from '../../src/engine/waiting/abort-listeners.js';
import { Lab } from '../support/lab.js';

describe('a signal of many', () => {
  it('tells each once, and nobody who has left while others were told', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const told: string[] = [];
    const last = { aborted: () => told.push('last') };
    const first = { aborted: () => (told.push('first'), offAbort(signal, last)) };
    for (const listener of [first, { aborted: () => told.push('second') }, last]) onAbort(signal, listener);
    controller.abort();
    controller.abort();
    expect(told).toEqual(['first', 'second']);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends each of its calls once, also where the end of one unsubscribes the others', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const options = { name: 'op', signal: controller.signal };
    const search = () => lab.resilience.executeObservable(policies.bulkhead(5), () => NEVER, options);
    const errors: unknown[] = [];
    forkJoin([search(), search(), search()]).subscribe({ error: (error) => errors.push(error) });
    controller.abort('gone');
    await lab.clock.settle();
    expect(errors).toEqual(['gone']);
    expect(lab.resilience.metrics('op')).toMatchObject({ operations: 3, aborts: 3 });
    expect(lab.resilience.bulkhead('op').running).toBe(0);
  });

  it('leaves alone a call that begins in the record of one that has just ended', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const search = (signal: AbortSignal) => lab.resilience.executeObservable(policies.bulkhead(5), () => NEVER, { name: 'op', signal });
    const ends: string[] = [];
    let second: Subscription | undefined;
    search(controller.signal).subscribe({
      error: () => {
        second!.unsubscribe();
        search(new AbortController().signal).subscribe({ error: () => ends.push('error'), complete: () => ends.push('complete') });
      },
    });
    second = search(controller.signal).subscribe();
    controller.abort('gone');
    await lab.clock.settle();
    expect(ends).toEqual([]);
    expect(lab.resilience.bulkhead('op').running).toBe(1);
  });
});

describe('a signal that is a stranger’s', () => {
  const lie = (): never => {
    throw new Error('a lie');
  };
  const nothing = (): void => undefined;

  it.each<[string, object, string]>([
    [
      'cannot be read',
      Object.defineProperty({ addEventListener: nothing, removeEventListener: nothing }, 'aborted', { get: lie }),
      'a lie',
    ],
    ['cannot be listened to', { aborted: false, addEventListener: lie, removeEventListener: nothing }, 'a lie'],
    ['has no way to leave it', { aborted: false, addEventListener: nothing }, 'signal must be an AbortSignal'],
    ['cannot be left', { aborted: false, addEventListener: nothing, removeEventListener: lie }, 'ok'],
  ])('and %s leaves nothing behind', async (_what, signal, end) => {
    const { resilience } = new Lab();
    const options = { name: 'op', signal: signal as AbortSignal };
    const said = (error: unknown): string => (error as Error).message;
    const ends = [
      await resilience.execute(policies.bulkhead(1), async () => 'ok', options).catch(said),
      await lastValueFrom(resilience.executeObservable(policies.bulkhead(1), () => of('ok'), options)).catch(said),
    ];
    expect(ends).toEqual([expect.stringContaining(end), expect.stringContaining(end)]);
    expect(resilience.inFlight).toBe(0);
    expect(resilience.bulkheads().map(({ running }) => running)).not.toContain(1);
  });

  it('and does not say why it aborts ends all of its calls with what it throws', async () => {
    const { resilience } = new Lab();
    const signal = new EventTarget() as AbortSignal;
    Object.defineProperties(signal, { aborted: { value: false }, reason: { get: lie } });
    const options = { name: 'op', signal };
    const hang = (): Promise<never> => new Promise(() => undefined);
    const calls = [1, 2].map(() =>
      resilience.execute(policies.bulkhead(2), hang, options).catch((error: unknown) => (error as Error).message),
    );
    signal.dispatchEvent(new Event('abort'));
    await expect(Promise.all(calls)).resolves.toEqual(['a lie', 'a lie']);
    expect(resilience.inFlight).toBe(0);
  });

  it.each(['before', 'while'])('and has no reason, aborted %s a call runs, ends it with an AbortError as a native one', async (when) => {
    const { resilience } = new Lab();
    const signal = Object.assign(new EventTarget(), { aborted: when === 'before' }) as AbortSignal;
    const call = resilience.execute(policies.retry(2), () => new Promise(() => undefined), { signal });
    signal.dispatchEvent(new Event('abort'));
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('and has a reason that is no error ends its calls with just that', async () => {
    const { resilience } = new Lab();
    const thenable = { then: (resolve: (value: unknown) => void): void => resolve('lies') };
    for (const reason of [null, 0, '', thenable]) {
      const controller = new AbortController();
      const end = resilience
        .execute(policies.retry(2), () => new Promise(() => undefined), { signal: controller.signal })
        .then(
          () => 'ok',
          (error: unknown) => ({ error }),
        );
      controller.abort(reason);
      expect(await end).toEqual({ error: reason });
    }
  });
});
