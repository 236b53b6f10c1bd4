import { getEventListeners } from 'node:events';
import { defer, Observable, Subscriber, throwError } from 'rxjs';
import { policies, type AttemptContext, type Policy } from '../../src/core.js';
import type { Resilience } from '../../src/core.js';
import { Lab } from '../support/lab.js';

/** Where a call can be when somebody gives it up. Each point is a place in the walk below that runs a callback. */
const POINTS = [
  'before',
  'bulkhead key',
  'bulkhead priority',
  'limiter cost',
  'limiter key',
  'breaker key',
  'queued event',
  'in the queue',
  'synchronous part',
  'subscribing',
  'running',
  'onResult',
  'on',
  'ignore',
  'onRetry',
  'backoff',
  'retry.scheduled event',
  'in the pause',
  'second synchronous part',
  'fallback tier',
  'fallback running',
  'validate',
  'fallback.served event',
  'operation.succeeded event',
] as const;
type Point = (typeof POINTS)[number];

/** A walk with every kind of layer that calls `at` at each point that it gets to. */
class Walk {
  readonly lab: Lab;
  readonly policy: Policy;
  readonly reached = new Set<Point>();
  act: () => void = () => undefined;
  calls = 0;
  open = 0;

  constructor(readonly point: Point) {
    this.lab = new Lab({
      onEvent: ({ type }) => {
        if (type === 'bulkhead.queued') this.at('queued event');
        if (type === 'retry.scheduled') this.at('retry.scheduled event');
        if (type === 'fallback.served') this.at('fallback.served event');
        if (type === 'operation.succeeded') this.at('operation.succeeded event');
      },
    });
    const hooks =
      <Value>(place: Point, value: Value) =>
      (): Value => (this.at(place), value);
    this.policy = policies.combine(
      policies.fallback({ tiers: [() => this.fall()], validate: hooks('validate', true) }),
      policies.retry({
        maxAttempts: 2,
        backoff: () => (this.at('backoff'), 100),
        on: hooks('on', true),
        ignore: hooks('ignore', false),
        onResult: hooks('onResult', false),
        onRetry: hooks('onRetry', undefined),
      }),
      policies.circuitBreaker({ name: 'b', key: hooks('breaker key', 'k'), consecutiveFailures: 100 }),
      policies.rateLimit({ name: 'l', limit: 1000, key: hooks('limiter key', 'k'), cost: hooks('limiter cost', 1) }),
      policies.timeout({ duration: '1m' }),
      policies.bulkhead({
        name: 'p',
        maxConcurrent: 1,
        maxQueue: 5,
        queueTimeout: '30s',
        key: hooks('bulkhead key', 'k'),
        priority: hooks('bulkhead priority', 1),
      }),
    );
  }

  at(point: Point): void {
    if (point !== this.point || this.reached.has(point)) return;
    this.reached.add(point);
    this.act();
  }

  private fall(): unknown {
    this.at('fallback tier');
    return new Promise((resolve) => {
      this.lab.clock.setTimer(() => this.at('fallback running'), 5);
      this.lab.clock.setTimer(() => resolve('fallback'), 10);
    });
  }

  private part(): void {
    this.calls++;
    this.at(this.calls === 1 ? 'synchronous part' : 'second synchronous part');
    this.lab.clock.setTimer(() => this.at('running'), 5);
    this.lab.clock.setTimer(() => this.at('in the pause'), 50);
  }

  /** Fails after 10 ms, so that a retry and then the fallback get their turn; gives a value where a success is looked at. */
  task(): Promise<unknown> {
    this.part();
    return new Promise((resolve, reject) => {
      this.lab.clock.setTimer(() => (this.succeeds ? resolve('ok') : reject(new Error('down'))), 10);
    });
  }

  source(): Observable<unknown> {
    return defer(() => {
      this.part();
      return new Observable<unknown>((subscriber) => {
        this.open++;
        this.at('subscribing');
        const timer = this.lab.clock.setTimer(() => {
          if (!this.succeeds) return subscriber.error(new Error('down'));
          subscriber.next('ok');
          subscriber.complete();
        }, 10);
        return () => {
          this.open--;
          this.lab.clock.clearTimer(timer);
        };
      });
    });
  }

  private get succeeds(): boolean {
    return this.point === 'onResult' || this.point === 'operation.succeeded event';
  }

  /** Somebody stands before this call, so that it has to queue. */
  async occupy(): Promise<void> {
    const permit = await this.lab.resilience.bulkhead('p').acquire({ key: 'k' });
    this.lab.clock.setTimer(() => this.at('in the queue'), 1);
    this.lab.clock.setTimer(() => permit.release(), 2);
  }

  /** Nothing is left of any call. */
  async expectNothingLeft(): Promise<void> {
    const { resilience, clock } = this.lab;
    await clock.advance('2m');
    expect(resilience.inFlight).toBe(0);
    expect(resilience.bulkhead('p')).toMatchObject({ running: 0, queued: 0 });
    expect(clock.pendingTimers).toBe(0);
    expect(this.open).toBe(0);
    expect(this.lab.logged).toEqual([]);
    await expectServes(resilience, this.policy);
  }
}

/** The records are used again: a call after that finds nothing of the one before. */
async function expectServes(resilience: Resilience, policy: Policy): Promise<void> {
  await expect(resilience.execute(policy, () => Promise.resolve('next'), { name: 'op' })).resolves.toBe('next');
  const seen: unknown[] = [];
  resilience
    .executeObservable(policy, () => new Observable((subscriber) => (subscriber.next(1), subscriber.complete())), { name: 'op' })
    .subscribe({
      next: (value) => seen.push(value),
      complete: () => seen.push('complete'),
    });
  await Promise.resolve();
  expect(seen).toEqual([1, 'complete']);
}

/** The call has its answer when this happens, so there is nothing to give up any more. */
const TOO_LATE = new Set<Point>(['onResult', 'operation.succeeded event']);

describe('a caller who gives up', () => {
  it.each(POINTS.filter((point) => point !== 'subscribing'))(
    'by a signal, %s: is answered, and no method is called after it',
    async (point) => {
      const walk = new Walk(point);
      const controller = new AbortController();
      let callsThen = 0;
      let attemptAborted: boolean | undefined;
      let current: AttemptContext | undefined;
      walk.act = () => {
        callsThen = walk.calls;
        controller.abort(new Error('enough'));
        if (point === 'running' || point === 'synchronous part') attemptAborted = current!.signal.aborted;
      };
      await Promise.resolve();
      const policy = walk.policy;
      // The first call makes the instances, so that somebody can stand before the second one.
      await expectFirst(walk);
      await walk.occupy();
      if (point === 'before') walk.at('before');
      const ended = walk.lab.resilience
        .execute(policy, (attempt) => ((current = attempt), walk.task()), { name: 'op', signal: controller.signal })
        .then(
          (value) => ['value', value],
          (error: Error) => ['error', error.message],
        );
      await walk.lab.clock.advance('1m');
      expect(walk.reached.has(point)).toBe(true);
      const answer = await ended;
      expect(answer).toEqual(TOO_LATE.has(point) ? ['value', 'ok'] : ['error', 'enough']);
      expect(walk.calls).toBe(callsThen);
      if (attemptAborted !== undefined) expect(attemptAborted).toBe(true);
      await walk.expectNothingLeft();
    },
  );

  it.each(POINTS)('by an unsubscribe, %s: hears no more, and no source is left or subscribed to after it', async (point) => {
    const walk = new Walk(point);
    await expectFirst(walk);
    await walk.occupy();
    const seen: unknown[] = [];
    let callsThen = 0;
    let seenThen = 0;
    let given = false;
    const subscriber = new Subscriber<unknown>({
      next: (value) => seen.push(value),
      error: (error: unknown) => seen.push(error),
      complete: () => seen.push('complete'),
    });
    walk.act = () => {
      given = true;
      callsThen = walk.calls;
      seenThen = seen.length;
      subscriber.unsubscribe();
    };
    if (point === 'before') walk.at('before');
    walk.lab.resilience.executeObservable(walk.policy, () => walk.source(), { name: 'op' }).subscribe(subscriber);
    await walk.lab.clock.advance('1m');
    expect(given).toBe(true);
    expect(walk.calls).toBe(callsThen);
    expect(seen).toHaveLength(seenThen);
    await walk.expectNothingLeft();
  });
});

async function expectFirst(walk: Walk): Promise<void> {
  const { act } = walk;
  const { resilience } = walk.lab;
  const reached = new Set(walk.reached);
  walk.act = () => undefined;
  await resilience.execute(walk.policy, () => Promise.resolve(1), { name: 'op' });
  walk.act = act;
  walk.reached.clear();
  for (const point of reached) walk.reached.add(point);
}

describe('a time limit that passes', () => {
  it('on an attempt and on the whole in one moment is one event and one error', async () => {
    const lab = new Lab();
    const call = lab.call(policies.timeout({ duration: '1s', total: '1s' }), 'hang', { name: 'op' });
    await lab.clock.advance('2s');
    expect(call.error).toMatchObject({ isTotal: true });
    expect(lab.told.filter((type) => type === 'timeout.exceeded')).toHaveLength(1);
  });

  it('on an attempt that has failed since is nothing to the next one', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.retry({ maxAttempts: 2, backoff: 'none' }), policies.timeout('1s'));
    const call = lab.call(policy, 'fail@999 ok@900', { name: 'op' });
    await lab.clock.advance('3s');
    expect(call).toMatchObject({ value: 'ok', at: 1899 });
  });

  it('inside of a bulkhead gives the place back only when the method has ended, in any order and over all attempts', async () => {
    const order = ['bulkhead', 'retry', 'timeout'] as const;
    const lab = new Lab({ order: [...order, 'fallback', 'circuitBreaker', 'rateLimit'] });
    const policy = policies.combine(
      policies.bulkhead({ name: 'p', maxConcurrent: 1 }),
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.timeout('100ms'),
    );
    const call = lab.call(policy, 'ok@1000 ok@10', { name: 'op' });
    await lab.clock.advance(500);
    expect(call).toMatchObject({ value: 'ok', at: 110 });
    expect(lab.resilience.bulkhead('p').running).toBe(1);
    await lab.clock.advance(499);
    expect(lab.resilience.bulkhead('p').running).toBe(1);
    await lab.clock.advance(1);
    expect(lab.resilience.bulkhead('p').running).toBe(0);
  });
});

describe('a signal that serves many calls', () => {
  it('has one listener, makes Node warn of nothing, and none when the calls are over', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const warnings: unknown[] = [];
    const heard = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', heard);
    const calls = Array.from({ length: 50 }, () =>
      lab.call(policies.bulkhead({ name: 'p', maxConcurrent: 20, maxQueue: 50 }), 'ok@100', { name: 'op', signal: controller.signal }),
    );
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    await lab.clock.advance('1s');
    process.off('warning', heard);
    expect(calls.every(({ value }) => value === 'ok')).toBe(true);
    expect(warnings).toEqual([]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('cuts all of them off when it aborts, and serves none after that', async () => {
    const lab = new Lab();
    const controller = new AbortController();
    const policy = policies.bulkhead({ name: 'p', maxConcurrent: 2, maxQueue: 50 });
    const calls = Array.from({ length: 10 }, () => lab.call(policy, 'hang', { name: 'op', signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    const late = lab.call(policy, 'ok', { name: 'op', signal: controller.signal });
    await lab.clock.settle();
    expect([...calls, late].map(({ error }) => error)).toEqual(Array.from({ length: 11 }, () => reason));
    expect(lab.resilience.bulkhead('p').queued).toBe(0);
  });
});

describe('the source of an Observable', () => {
  it('that cannot be left without an error is reported, and its place is free', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'p', maxConcurrent: 1 });
    const leaving = lab.resilience.executeObservable(
      policy,
      () =>
        new Observable(() => () => {
          throw new Error('stuck');
        }),
      { name: 'op' },
    );
    leaving.subscribe().unsubscribe();
    expect(lab.resilience.bulkhead('p').running).toBe(0);
    expect(lab.told).toContain('callback.failed');
    await lab.clock.settle();
  });

  it('that cannot be subscribed to is a failed attempt', async () => {
    const lab = new Lab();
    const seen: unknown[] = [];
    let attempts = 0;
    const broken = new Observable<never>();
    broken.subscribe = () => {
      attempts++;
      throw new Error('closed');
    };
    lab.resilience
      .executeObservable(policies.retry({ maxAttempts: 3, backoff: 'none' }), () => broken, { name: 'op' })
      .subscribe({ error: (error: Error) => seen.push(error.message) });
    expect([attempts, seen]).toEqual([3, ['closed']]);
    expect(lab.resilience.inFlight).toBe(0);
  });

  it('is left before the next one is subscribed to', async () => {
    const lab = new Lab();
    const order: string[] = [];
    lab.resilience
      .executeObservable(
        policies.retry({ maxAttempts: 2, backoff: 'none' }),
        ({ attempt }) =>
          new Observable((subscriber) => {
            order.push(`in ${attempt}`);
            void Promise.resolve().then(() => subscriber.error(new Error('x')));
            return () => order.push(`out ${attempt}`);
          }),
        { name: 'op' },
      )
      .subscribe({ error: () => order.push('error') });
    await lab.clock.settle();
    expect(order).toEqual(['in 1', 'out 1', 'in 2', 'error', 'out 2']);
  });

  it('may push on while its first value is judged: order and end are kept', () => {
    const lab = new Lab();
    const seen: unknown[] = [];
    let push: () => void = () => undefined;
    const policy = policies.retry({ onResult: () => (push(), false) });
    lab.resilience
      .executeObservable(
        policy,
        () =>
          new Observable((subscriber) => {
            push = () => {
              push = () => undefined;
              subscriber.next('second');
              subscriber.complete();
            };
            subscriber.next('first');
          }),
        { name: 'op' },
      )
      .subscribe({ next: (value) => seen.push(value), complete: () => seen.push('complete') });
    expect(seen).toEqual(['first', 'second', 'complete']);
  });

  it('that fails for ever leaves no record behind', async () => {
    const lab = new Lab();
    for (let index = 0; index < 20; index++) {
      lab.resilience
        .executeObservable(policies.retry({ backoff: 'none' }), () => throwError(() => new Error('x')), { name: 'op' })
        .subscribe({ error: () => undefined });
    }
    expect(lab.resilience.inFlight).toBe(0);
  });
});
