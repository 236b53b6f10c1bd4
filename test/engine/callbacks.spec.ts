import { jest } from '@jest/globals';
import { Environment } from '../../src/engine/environment.js';
import { policies } from '../../src/core.js';
import { Boom, Lab } from '../support/lab.js';

/** Every kind of thing that a function of a user's may give where nothing is expected. */
const hostile: readonly [string, () => unknown, boolean][] = [
  ['nothing', () => undefined, false],
  ['null', () => null, false],
  ['a value', () => 5, false],
  ['an object', () => ({ then: 5 }), false],
  ['a promise', async () => 5, false],
  ['a promise that is rejected', () => Promise.reject(new Boom()), true],
  [
    'an error',
    () => {
      throw new Boom();
    },
    true,
  ],
  [
    'a thenable whose `then` throws',
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- a stranger's object
      then: () => {
        throw new Boom();
      },
    }),
    true,
  ],
  [
    'a thenable that calls back twice',
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- a stranger's object
      then: (_resolve: unknown, reject: (error: unknown) => void) => {
        reject(new Boom());
        reject(new Boom());
      },
    }),
    true,
  ],
  [
    'what cannot be read',
    () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- a stranger's object
      get then() {
        throw new Boom();
      },
    }),
    true,
  ],
];

describe('a function of a user’s that nobody waits for', () => {
  it.each(hostile)('may give %s', async (_what, callback, isTold) => {
    const lab = new Lab();
    lab.resilience.environment.notify('mine', 'op', callback);
    await lab.clock.settle();
    const told = lab.events.filter(({ type }) => type === 'callback.failed');
    expect(told).toEqual(
      isTold ? [expect.objectContaining({ callback: 'mine', operationId: 'op', error: expect.any(Boom) as unknown })] : [],
    );
  });

  it.each(hostile)('as a listener may give %s, and the others hear', async (_what, callback, isTold) => {
    const lab = new Lab();
    const heard: string[] = [];
    lab.resilience.on('operation.succeeded', callback);
    lab.resilience.on('operation.succeeded', ({ type }) => heard.push(type));
    lab.call(policies.timeout('1s'), 'ok');
    await lab.clock.settle();
    expect(heard).toEqual(['operation.succeeded']);
    expect(lab.logged).toEqual(isTold ? ['event listener threw; the call went on without it (told once)'] : []);
  });

  it.each(hostile)('to which durations are told may give %s', async (_what, callback, isTold) => {
    const lab = new Lab();
    const { timings } = lab.resilience.environment;
    timings.listen(callback);
    timings.of('metric', 'name', [1]).record(5);
    await lab.clock.settle();
    expect(lab.logged).toHaveLength(isTold ? 1 : 0);
  });
});

describe('a listener that brings about what is told', () => {
  it('is heard by all in the order in which it happened', () => {
    const lab = new Lab({ onEvent: () => undefined });
    const heard: string[] = [];
    const breaker = lab.resilience.circuitBreaker('b', { consecutiveFailures: 1 });
    lab.resilience.on('circuit-breaker.opened', () => breaker.reset());
    lab.resilience.on('*', ({ type }) => heard.push(type));
    breaker.acquire().failure(new Boom());
    expect(heard).toEqual(['circuit-breaker.opened', 'circuit-breaker.state-forced', 'circuit-breaker.closed']);
  });

  it('without end is stopped, and said so', () => {
    const lab = new Lab({ onEvent: () => undefined });
    const breaker = lab.resilience.circuitBreaker('b', {});
    let heard = 0;
    lab.resilience.on('circuit-breaker.state-forced', () => {
      heard++;
      if (breaker.state === 'disabled') breaker.metricsOnly();
      else breaker.disable();
    });
    breaker.disable();
    expect(heard).toBe(1001);
    expect(lab.logged).toEqual(['event listener threw; the call went on without it (told once)']);
  });
});

describe('a function of a user’s that has to answer at once', () => {
  it.each(hostile)('decides unless it gives %s', async (what, callback) => {
    const lab = new Lab();
    const answer = lab.resilience.environment.ask('mine', 'op', callback, () => 'otherwise');
    await lab.clock.settle();
    const decides = ['nothing', 'null', 'a value', 'an object'].includes(what);
    expect(answer === 'otherwise').toBe(!decides);
    expect(lab.told).toEqual(decides ? [] : ['callback.failed']);
  });
});

describe('a logger that fails', () => {
  it.each<[string, () => void]>([
    [
      'throws',
      () => {
        throw new Boom('full');
      },
    ],
    ['gives a promise that is rejected', () => Promise.reject(new Boom('full')) as never],
  ])('and %s at every level harms nobody who writes to it, which is told once', async (_what, write) => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { logger } = new Environment({ logger: { warn: write, error: write, log: write, debug: write } });
    for (const level of ['warn', 'log', 'debug'] as const) logger[level]!('news');
    logger.error('an error', new Boom('cause'));
    await new Promise((resolve) => setImmediate(resolve));
    const told = emitWarning.mock.calls.map(([message]) => String(message).split('\n')[0]);
    emitWarning.mockRestore();
    expect(told).toHaveLength(2);
    expect(told).toEqual(expect.arrayContaining(['an error', 'the logger failed']));
  });

  it('is asked for no level that it does not have, and is as it says where debugging is off', () => {
    const nothing = (): void => undefined;
    const plain = new Environment({ logger: { warn: nothing, error: nothing } }).logger;
    expect({ ...plain }).toEqual({ warn: expect.any(Function), error: expect.any(Function) });
    expect(new Environment({ logger: { warn: nothing, error: nothing, isDebugOn: () => false } }).logger.isDebugOn!()).toBe(false);
  });

  it('does not keep anything from being set up', () => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const full = (): never => {
      throw new Boom('full');
    };
    const { resilience } = new Lab({ logger: { warn: full, error: full } });
    const waits = policies.combine(policies.timeout(5), policies.bulkhead({ maxConcurrent: 1, maxQueue: 5 }));
    for (const policy of [waits, waits]) resilience.wrap(policy, () => 1, { name: 'op' });
    emitWarning.mockRestore();
    expect(resilience.list().map(({ operationId }) => operationId)).toEqual(['op', 'op#2']);
  });

  it.each<[string, () => void]>([
    [
      'by throwing',
      () => {
        throw new Boom('full');
      },
    ],
    ['by a promise', () => Promise.reject(new Boom('full')) as never],
  ])('%s harms no call', async (_what, error) => {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const environment = new Environment({ logger: { warn: error, error } });
    environment.callbackFailed('mine', undefined, new Boom('broken'));
    await new Promise((resolve) => setImmediate(resolve));
    const warned = emitWarning.mock.calls.map(([message]) => message);
    emitWarning.mockRestore();
    expect(warned).toEqual([expect.stringContaining('mine threw'), expect.stringContaining('the logger failed')]);
  });
});

describe('a source of randomness that gives no number in [0, 1]', () => {
  it.each<[string, () => unknown]>([
    ['NaN', () => NaN],
    ['nothing', () => undefined],
    ['a text', () => '0.5'],
    ['a negative number', () => -1],
    ['too much', () => 1.5],
    ['a promise', () => Promise.resolve(0.5)],
    [
      'an error',
      () => {
        throw new Boom('no entropy');
      },
    ],
  ])('but %s is told, and the delay is random all the same', async (_what, random) => {
    const lab = new Lab({ random: random as () => number });
    const call = lab.call(policies.retry({ maxAttempts: 3, backoff: { initialDelay: 100, jitter: 'full' } }), 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    expect(call.error).toBeInstanceOf(Boom);
    expect(lab.logged).toEqual([expect.stringContaining('random threw')]);
    const delays = lab.events.flatMap((event) => (event.type === 'retry.scheduled' ? [event.delayMs] : []));
    expect(delays.map((delay, index) => delay >= 0 && delay <= 100 * 2 ** index)).toEqual([true, true]);
  });
});
