import { getEventListeners } from 'node:events';
import { concat, defer, delay, from, lastValueFrom, NEVER, Observable, of, Subject, take, throwError, toArray } from 'rxjs';
import { policies, type AttemptContext, type Policy } from '../../src/core.js';
import { Boom, Lab } from '../support/lab.js';
import { until } from '../support/until.js';

const all = policies.combine(
  policies.retry({ maxAttempts: 3, backoff: 'none' }),
  policies.circuitBreaker({ name: 'b' }),
  policies.rateLimit(1000),
  policies.timeout('1s'),
  policies.bulkhead({ name: 'p', maxConcurrent: 1 }),
);

function collect(lab: Lab, policy: Policy, task: (attempt: AttemptContext) => Observable<unknown>) {
  const seen: unknown[] = [];
  const subscription = lab.resilience.executeObservable(policy, task, { name: 'op' }).subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => seen.push(['error', error instanceof Error ? error.message : error]),
    complete: () => seen.push('complete'),
  });
  return { seen, subscription };
}

describe('a protected Observable', () => {
  it('does nothing before it is subscribed to, and calls anew for each subscription', async () => {
    const lab = new Lab();
    let calls = 0;
    const observable = lab.resilience.executeObservable(all, () => of(++calls), { name: 'op' });
    expect(calls).toBe(0);
    await expect(lastValueFrom(observable)).resolves.toBe(1);
    await expect(lastValueFrom(observable)).resolves.toBe(2);
    expect(lab.resilience.metrics('op')).toMatchObject({ operations: 2, successes: 2 });
  });

  it('passes values on at once, in the same turn', () => {
    const { seen } = collect(new Lab(), all, () => of(1, 2, 3));
    expect(seen).toEqual([1, 2, 3, 'complete']);
  });

  it('subscribes again after an error, as long as no value was passed on', () => {
    const attempts: number[] = [];
    const { seen } = collect(new Lab(), all, ({ attempt }) => {
      attempts.push(attempt);
      return attempt < 3 ? throwError(() => new Boom()) : of('done');
    });
    expect(seen).toEqual(['done', 'complete']);
    expect(attempts).toEqual([1, 2, 3]);
    const broken = collect(new Lab(), all, () =>
      concat(
        of('first'),
        throwError(() => new Boom('later')),
      ),
    );
    expect(broken.seen).toEqual(['first', ['error', 'later']]);
  });

  it('treats what the method throws as a failed attempt', () => {
    const { seen } = collect(new Lab(), all, ({ attempt }) => {
      if (attempt < 2) throw new Boom();
      return of('done');
    });
    expect(seen).toEqual(['done', 'complete']);
  });

  it('gives everything back when it is unsubscribed, and counts it for nothing', async () => {
    const lab = new Lab();
    const signals: AbortSignal[] = [];
    const { subscription } = collect(lab, all, ({ signal }) => {
      signals.push(signal);
      return NEVER;
    });
    expect(lab.resilience.bulkhead('p').running).toBe(1);
    subscription.unsubscribe();
    expect(lab.resilience.bulkhead('p').running).toBe(0);
    expect(signals[0]!.aborted).toBe(true);
    expect(lab.resilience.circuitBreaker('b').snapshot().calls).toBe(0);
    expect(lab.resilience.metrics('op')).toMatchObject({ aborts: 1, failures: 0, successes: 0 });
    await lab.clock.advance('1s');
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('times out when it does not complete in time, and leaves its source', async () => {
    const lab = new Lab();
    let left = 0;
    const { seen } = collect(lab, policies.timeout('1s'), () => new Observable(() => () => left++));
    await lab.clock.advance('1s');
    expect(seen).toEqual([['error', 'op did not answer within 1 s']]);
    expect(left).toBe(1);
  });

  it('waits its turn, and leaves the line when it is unsubscribed', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'p', maxConcurrent: 1, maxQueue: 5 });
    const source = new Subject<number>();
    collect(lab, policy, () => source);
    const second = collect(lab, policy, () => of('second'));
    const third = collect(lab, policy, () => of('third'));
    second.subscription.unsubscribe();
    source.complete();
    await lab.clock.settle();
    expect([second.seen, third.seen]).toEqual([[], ['third', 'complete']]);
    expect(lab.resilience.bulkhead('p')).toMatchObject({ running: 0, queued: 0 });
  });

  it('waits between attempts', async () => {
    const lab = new Lab();
    const { seen } = collect(lab, policies.retry({ backoff: '100ms' }), ({ attempt }) =>
      attempt < 2 ? throwError(() => new Boom()) : of(lab.clock.now()),
    );
    await lab.clock.advance('1s');
    expect(seen).toEqual([100, 'complete']);
  });

  it('judges the first value before it is passed on', () => {
    const policy = policies.combine(
      policies.retry({ backoff: 'none', onResult: (value) => value === 'bad' }),
      policies.circuitBreaker({ onResult: (value) => value === 'bad', name: 'b' }),
    );
    const lab = new Lab();
    const mended = collect(lab, policy, ({ attempt }) => (attempt < 2 ? of('bad', 'worse') : of('good', 'bad')));
    expect(mended.seen).toEqual(['good', 'bad', 'complete']);
    const never = collect(new Lab(), policy, () => of('bad', 'worse'));
    expect(never.seen).toEqual(['bad', 'complete']);
  });

  it.each<[string, unknown, unknown[]]>([
    ['a value', 'FB', ['FB', 'complete']],
    ['an Observable, with all its values', of(1, 2), [1, 2, 'complete']],
    ['an Observable without a value', of(), ['complete']],
    ['an Observable that fails', throwError(() => new Boom('fallback')), [['error', 'fallback']]],
    [
      'an Observable that fails later',
      concat(
        of(1),
        throwError(() => new Boom('later')),
      ),
      [1, ['error', 'later']],
    ],
  ])('is answered by a fallback with %s', (_what, substitute, expected) => {
    const { seen } = collect(new Lab(), policies.fallback({ tiers: [() => substitute] }), () => throwError(() => new Boom()));
    expect(seen).toEqual(expected);
  });

  it.each([
    ['ends it', (source: Subject<number>) => source.complete(), [1, 2, 'complete']],
    ['fails it', (source: Subject<number>) => source.error(new Boom('e')), [1, 2, ['error', 'e']]],
    ['makes it give more', (source: Subject<number>) => source.next(3), [1, 2, 3]],
  ])('loses and turns round no value that comes while the first is judged, where the caller %s on getting that', (_name, act, expected) => {
    const lab = new Lab();
    const source = new Subject<number>();
    const seen: unknown[] = [];
    const judging = policies.retry({
      onResult: (value) => {
        if (value === 1) source.next(2);
        return false;
      },
    });
    lab.resilience
      .executeObservable(judging, () => source, { name: 'op' })
      .subscribe({
        next: (value) => {
          seen.push(value);
          if (value === 1) act(source);
        },
        error: (error: Error) => seen.push(['error', error.message]),
        complete: () => seen.push('complete'),
      });
    source.next(1);
    expect(seen).toEqual(expected);
  });

  it('is answered by a fallback that gives a promise', async () => {
    const [first, second] = [new Lab(), new Lab()];
    const good = collect(
      first,
      policies.fallback(async () => 'later'),
      () => throwError(() => new Boom()),
    );
    const bad = collect(second, policies.fallback({ tiers: [(): Promise<string> => Promise.reject(new Boom('tier'))] }), () =>
      throwError(() => new Boom()),
    );
    await first.clock.settle();
    expect(good.seen).toEqual(['later', 'complete']);
    expect(bad.seen).toEqual([['error', 'tier']]);
  });

  it('takes the next tier where the first value of one is rejected', async () => {
    const policy = policies.fallback({
      tiers: [() => of(1, 2), () => of(3).pipe(delay(0)), () => of(5, 1)],
      validate: (value: unknown) => value !== 1 && value !== 3,
    });
    const lab = new Lab();
    const { seen } = collect(lab, policy, () => throwError(() => new Boom()));
    await until('it is complete', () => seen.includes('complete'));
    expect(seen).toEqual([5, 1, 'complete']);
  });

  it('goes on after its fallback’s Observable until the caller leaves', () => {
    const lab = new Lab();
    const source = new Subject<number>();
    const { seen, subscription } = collect(
      lab,
      policies.fallback(() => source),
      () => throwError(() => new Boom()),
    );
    source.next(1);
    source.next(2);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
    expect(seen).toEqual([1, 2]);
    expect(lab.resilience.metrics('op')).toMatchObject({ fallbacksServed: 1, successes: 1 });
  });

  it('ends its fallback’s Observable where the caller’s signal aborts, and leaves the signal where it ends by itself', () => {
    const lab = new Lab();
    const controller = new AbortController();
    const { signal } = controller;
    const sources = [new Subject<number>(), new Subject<number>()];
    const seen: unknown[][] = [[], []];
    sources.forEach((source, index) =>
      lab.resilience
        .executeObservable(
          policies.fallback(() => source),
          () => throwError(() => new Boom('down')),
          { name: 'op', signal },
        )
        .subscribe({
          next: (value) => seen[index]!.push(value),
          error: (error) => seen[index]!.push(['error', error]),
          complete: () => seen[index]!.push('complete'),
        }),
    );
    for (const source of sources) source.next(1);
    sources[1]!.complete();
    controller.abort('gone');
    sources[0]!.next(2);
    expect(seen).toEqual([
      [1, ['error', 'gone']],
      [1, 'complete'],
    ]);
    expect(sources[0]!.observed).toBe(false);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(lab.resilience.inFlight).toBe(0);
  });

  it('says so where a task gives no Observable', () => {
    const { seen } = collect(new Lab(), policies.retry(1), () => 5 as never);
    expect(seen).toEqual([
      [
        'error',
        expect.stringContaining('op is protected, so it must return a Promise or an Observable; it returned a plain value (number)'),
      ],
    ]);
  });

  it('does not nest however often it tries', async () => {
    const lab = new Lab();
    let attempts = 0;
    const observable = lab.resilience.executeObservable(policies.retry({ maxAttempts: 50_000, backoff: 'none' }), () => {
      attempts++;
      return attempts < 50_000 ? throwError(() => new Boom()) : of('done');
    });
    const result = lastValueFrom(observable.pipe(toArray()));
    await lab.clock.advance('1s');
    await expect(result).resolves.toEqual(['done']);
  });

  it('is cut off by a signal of the caller', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const seen: unknown[] = [];
    lab.resilience
      .executeObservable(all, () => NEVER, { signal: controller.signal })
      .subscribe({ error: (error: Error) => seen.push(error.message) });
    controller.abort(new Error('gone'));
    await lab.clock.settle();
    expect(seen).toEqual(['gone']);
    expect(lab.resilience.bulkhead('p').running).toBe(0);
  });

  it('works with a source that subscribes late', async () => {
    const lab = new Lab();
    const { seen } = collect(lab, all, () => defer(() => Promise.resolve('later')));
    await lab.clock.settle();
    expect(seen).toEqual(['later', 'complete']);
  });

  it('stops a source that never ends by itself as soon as the caller has enough, and gives back what it held', async () => {
    const lab = new Lab();
    let given = 0;
    function* endless(): Generator<number> {
      for (;;) {
        if (++given > 1000) throw new Error('the source was not stopped');
        yield given;
      }
    }
    const policy = policies.combine(
      policies.retry({ maxAttempts: 3, backoff: 'none' }),
      policies.bulkhead({ name: 'p', maxConcurrent: 1 }),
    );
    let attempts = 0;
    const observable = lab.resilience.executeObservable(policy, () => (attempts++ < 1 ? from(endless()) : throwError(() => new Boom())), {
      name: 'op',
    });
    await expect(lastValueFrom(observable.pipe(take(1)))).resolves.toBe(1);
    expect(given).toBeLessThanOrEqual(2);
    expect(lab.resilience.bulkhead('p').running).toBe(0);
    // The next call is not touched by what became of this one.
    attempts = 1;
    await expect(lastValueFrom(observable)).rejects.toBeInstanceOf(Boom);
    expect(attempts).toBe(4);
    expect(lab.resilience.bulkhead('p').running).toBe(0);
  });

  it('does not hear a fallback that answers after a time limit around it has passed', async () => {
    const lab = new Lab({ order: ['retry', 'timeout', 'fallback', 'circuitBreaker', 'rateLimit', 'bulkhead'] });
    let answers = 0;
    const policy = policies.combine(
      policies.retry({ maxAttempts: 2, backoff: '100ms' }),
      policies.timeout('50ms'),
      policies.fallback(() => lab.play(`ok:${++answers}@${answers === 1 ? 120 : 10}`)),
    );
    const starts: number[] = [];
    const { seen } = collect(lab, policy, () => {
      starts.push(lab.clock.now());
      return throwError(() => new Boom());
    });
    await lab.clock.advance('1s');
    expect([starts, seen]).toEqual([
      [0, 150],
      ['2', 'complete'],
    ]);
    expect(lab.resilience.metrics('op')).toMatchObject({ operations: 1, successes: 1, timeouts: 1 });
  });
});
