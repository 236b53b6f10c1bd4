import { Observable, of, type Subscription } from 'rxjs';
import { policies, type Policy } from '../../src/core.js';
import { Boom, Lab } from '../support/lab.js';

/** Whatever of the user's a call may come by. */
const CALLBACKS = [
  'breaker key',
  'limiter key',
  'bulkhead key',
  'cost',
  'priority',
  'on',
  'ignore',
  'onResult',
  'onRetry',
  'backoff',
  'openDuration',
  'tier',
  'validate',
  'discard',
  'listener',
  'logger',
  'tracer began',
  'tracer invoke',
  'tracer after invoke',
  'tracer answer',
  'tracer counted',
  'tracer waited',
  'tracer ended',
] as const;
type Callback = (typeof CALLBACKS)[number];

const ACTS = ['throw', 'reject', 'call', 'abort', 'unsubscribe'] as const;
type Act = (typeof ACTS)[number];
type Driver = 'promise' | 'observable';

/** What a tracer starts is what it gives: a promise of its own beside that is nobody's but its own. */
const STARTS: ReadonlySet<Callback> = new Set(['tracer invoke', 'tracer after invoke', 'tracer answer']);

function isPossible(driver: Driver, callback: Callback, act: Act): boolean {
  // Late values are those of promises: a source is left when its time is over.
  if (driver === 'observable' ? callback === 'discard' : act === 'unsubscribe') return false;
  return act !== 'reject' || !STARTS.has(callback);
}

/** The method of a call, by its attempts. */
interface Task {
  readonly promise: (attempt: number) => Promise<unknown>;
  readonly source: (attempt: number) => Observable<unknown>;
}

/** An application that has every callback, of which one does something else beside its work, the first time it is called. */
class Matrix {
  readonly lab: Lab;
  readonly policy: Policy;
  reached = 0;
  private isArmed = true;
  private readonly ends: number[] = [];
  private latest = { controller: new AbortController(), subscription: undefined as Subscription | undefined, id: -1 };
  private readonly unsubscribed = new Set<number>();

  constructor(
    readonly driver: Driver,
    readonly callback: Callback,
    readonly act: Act,
  ) {
    const log = (): unknown => this.at('logger', undefined);
    this.lab = new Lab({ logger: { warn: log, error: log }, onEvent: () => this.at('listener', undefined) as never });
    const gives =
      <Value>(where: Callback, value: Value) =>
      (): Value =>
        this.at(where, value) as Value;
    this.lab.resilience.trace({
      began: () => this.at('tracer began', undefined) as never,
      invoke: (_call, start) => {
        this.at('tracer invoke', undefined);
        const result = start();
        this.at('tracer after invoke', undefined);
        return result;
      },
      answer: (_call, start) => (this.at('tracer answer', undefined), start()),
      counted: () => this.at('tracer counted', undefined) as never,
      waited: () => this.at('tracer waited', undefined) as never,
      ended: () => this.at('tracer ended', undefined) as never,
    });
    this.policy = policies.combine(
      policies.fallback({ tiers: [gives('tier', 'instead')], validate: gives('validate', true) }),
      policies.retry({
        maxAttempts: 2,
        backoff: gives('backoff', 10),
        on: gives('on', true),
        ignore: gives('ignore', false),
        onResult: gives('onResult', false),
        onRetry: () => {
          if (callback === 'logger') throw new Boom('told to the logger');
          return this.at('onRetry', undefined);
        },
      }),
      policies.circuitBreaker({
        name: 'b',
        key: gives('breaker key', 'k'),
        consecutiveFailures: 1,
        openDuration: gives('openDuration', 5000),
      }),
      policies.rateLimit({ name: 'l', limit: 1000, key: gives('limiter key', 'k'), cost: gives('cost', 1) }),
      policies.timeout({ duration: '1s', discard: gives('discard', undefined) }),
      policies.bulkhead({
        name: 'p',
        maxConcurrent: 1,
        maxQueue: 5,
        queueTimeout: '500ms',
        key: gives('bulkhead key', 'k'),
        priority: gives('priority', 1),
      }),
    );
  }

  /** Its first call is too late, and its others are refused by the breaker or fail; then one is served that had to wait. */
  async run(): Promise<void> {
    const { clock, resilience } = this.lab;
    const late = (): Promise<unknown> => new Promise((resolve) => clock.setTimer(() => resolve('late'), 2000));
    this.begin({ promise: late, source: () => new Observable((to) => void clock.setTimer(() => to.complete(), 2000)) });
    await clock.advance('1m');
    const permit = await resilience.bulkhead('p').acquire({ key: 'k' });
    this.begin({ promise: () => Promise.resolve('ok'), source: () => of('ok') });
    await clock.advance(10);
    permit.release();
    await clock.advance('1m');
    this.begin({ promise: () => Promise.reject(new Boom()), source: () => new Observable((to) => to.error(new Boom())) });
    await clock.advance('1m');
  }

  /** Nothing is left of any call, and the next one is served. */
  async expectNothingLeft(): Promise<void> {
    const { clock, resilience } = this.lab;
    this.isArmed = false;
    await clock.advance('10m');
    expect(this.ends).toEqual(this.ends.map((_ends, id) => (this.unsubscribed.has(id) ? 0 : 1)));
    const { operations, successes, failures, aborts } = resilience.metrics('op');
    expect(successes + failures + aborts).toBe(operations);
    expect(operations).toBe(this.ends.length);
    expect(resilience.inFlight).toBe(0);
    expect(resilience.bulkhead('p')).toMatchObject({ running: 0, queued: 0 });
    expect(resilience.rateLimiter('l').waiting).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    const served = resilience.execute(this.policy, () => Promise.resolve('served'), { name: 'op' });
    await clock.settle();
    await expect(served).resolves.toBe('served');
  }

  private begin({ promise, source }: Task): void {
    const id = this.ends.push(0) - 1;
    const controller = new AbortController();
    const current = { controller, subscription: undefined as Subscription | undefined, id };
    this.latest = current;
    const { resilience } = this.lab;
    const options = { name: 'op', signal: controller.signal };
    const ended = (): void => void this.ends[id]!++;
    if (this.driver === 'promise') {
      void resilience.execute(this.policy, ({ attempt }) => promise(attempt), options).then(ended, ended);
      return;
    }
    new Observable((subscriber) => {
      current.subscription = subscriber;
      return resilience.executeObservable(this.policy, ({ attempt }) => source(attempt), options).subscribe(subscriber);
    }).subscribe({ complete: ended, error: ended });
  }

  private at(where: Callback, value: unknown): unknown {
    if (where !== this.callback || !this.isArmed || this.reached++ > 0) return value;
    const { controller, subscription, id } = this.latest;
    switch (this.act) {
      case 'throw':
        throw new Boom();
      case 'reject':
        return Promise.reject(new Boom());
      case 'call':
        this.begin({ promise: () => Promise.resolve('inside'), source: () => of('inside') });
        break;
      case 'abort':
        controller.abort(new Boom('given up'));
        break;
      case 'unsubscribe':
        if (subscription === undefined || this.ends[id]! > 0) break;
        this.unsubscribed.add(id);
        subscription.unsubscribe();
    }
    return value;
  }
}

describe.each(['promise', 'observable'] as const)('a call of an operation that gives a(n) %s', (driver) => {
  const rows = CALLBACKS.flatMap((callback) =>
    ACTS.filter((act) => isPossible(driver, callback, act)).map((act) => [callback, act] as const),
  );

  it.each(rows)('ends once and leaves nothing where the %s does this: %s', async (callback, act) => {
    const strays: unknown[] = [];
    const note = (error: unknown): void => void strays.push(error);
    process.on('unhandledRejection', note);
    const warning = process.emitWarning;
    process.emitWarning = () => undefined; // a logger that fails is told there
    try {
      const matrix = new Matrix(driver, callback, act);
      await matrix.run();
      expect(matrix.reached).toBeGreaterThan(0);
      await matrix.expectNothingLeft();
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', note);
      process.emitWarning = warning;
    }
    expect(strays).toEqual([]);
  });
});
