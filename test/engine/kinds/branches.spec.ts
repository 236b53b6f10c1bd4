import { AsyncLocalStorage } from 'node:async_hooks';
import { timer, map } from 'rxjs';
import { bulkheadKind } from '../../../src/policies/bulkhead/index.js';
import { Bench, Witness, witnessed } from './bench.js';
import { hedgeKind } from './hedge.js';
import { memoryCacheKind } from './memory-cache.js';
import { singleFlightKind } from './single-flight.js';

/** An attempt of each: how long it takes and what it comes to. */
type Plan = readonly (readonly [delayMs: number, value: unknown])[];

function methodOf(bench: Bench, plan: Plan): { readonly method: () => Promise<unknown>; readonly invoked: () => number } {
  let invoked = 0;
  return { method: () => bench.after(...plan[invoked++]!), invoked: () => invoked };
}

const bulkhead = { maxConcurrent: 1, maxQueue: 5, overflow: 'reject-new', releaseAfter: 1000, maxKeys: 10 };

describe('a hedge of two branches', () => {
  it.each<[string, Plan, string, number, string[], string[]]>([
    ['is not begun where the first answers in time', [[10, 'a']], 'a', 1, ['SUCCESS method'], ['SUCCESS method']],
    [
      'wins',
      [
        [500, 'a'],
        [10, 'b'],
      ],
      'b',
      2,
      ['SUCCESS method'],
      ['SUCCESS method', 'abandoned SUPERSEDED'],
    ],
    [
      'loses',
      [
        [60, 'a'],
        [500, 'b'],
      ],
      'a',
      2,
      ['SUCCESS method'],
      ['SUCCESS method', 'abandoned SUPERSEDED'],
    ],
    [
      'answers for a first attempt that failed',
      [
        [60, new Error('a')],
        [60, 'b'],
      ],
      'b',
      2,
      ['SUCCESS method'],
      ['FAILURE', 'SUCCESS method'],
    ],
    [
      'that fails is no answer while the first runs',
      [
        [100, 'a'],
        [10, new Error('b')],
      ],
      'a',
      2,
      ['SUCCESS method'],
      ['FAILURE', 'SUCCESS method'],
    ],
    [
      'fails as well: the error of the first stands',
      [
        [60, new Error('a')],
        [60, new Error('b')],
      ],
      'failed: a',
      2,
      ['FAILURE'],
      ['FAILURE', 'FAILURE'],
    ],
  ])('%s', async (_name, plan, result, attempts, outside, inside) => {
    const [outer, inner] = [new Witness('outer'), new Witness('inner')];
    const bench = new Bench(witnessed(outer), [hedgeKind, { delayMs: 50 }], witnessed(inner));
    const { method, invoked } = methodOf(bench, plan);
    const call = bench.call(method);
    await bench.clock.advance(1000);
    expect(await call).toBe(result);
    expect({ invoked: invoked(), outside: outer.told, inside: inner.told }).toEqual({ invoked: attempts, outside, inside });
    expect(inner.passed).toBe(inner.told.length);
    expect(bench.operation.pipeline.counts).toMatchObject({ calls: 1, branchAttempts: attempts - 1 });
    expect(bench.leftovers()).toEqual([]);
  });

  it('is cut off with its call', async () => {
    const inner = new Witness();
    const bench = new Bench([hedgeKind, { delayMs: 50 }], witnessed(inner));
    const controller = new AbortController();
    const { method } = methodOf(bench, [
      [500, 'a'],
      [500, 'b'],
    ]);
    const call = bench.call(method, [], controller.signal);
    await bench.clock.advance(100);
    controller.abort(new Error('enough'));
    expect(await call).toBe('failed: enough');
    await bench.clock.advance(1000);
    expect(inner.told).toEqual(['abandoned ABORT', 'abandoned ABORT']);
    expect(bench.leftovers()).toEqual([]);
  });

  it('never waits for a permit, and takes none that is not there', async () => {
    const bench = new Bench([hedgeKind, { delayMs: 50 }], [bulkheadKind, bulkhead]);
    const { method, invoked } = methodOf(bench, [
      [500, 'a'],
      [10, 'b'],
    ]);
    const call = bench.call(method);
    await bench.clock.advance(1000);
    expect({ answer: await call, invoked: invoked() }).toEqual({ answer: 'a', invoked: 1 });
    expect(await bench.call(() => Promise.resolve('next'))).toBe('next');
    await bench.clock.advance(50);
    expect(bench.leftovers()).toEqual([]);
  });

  it('makes no room for itself where others wait for a permit', async () => {
    const bench = new Bench([hedgeKind, { delayMs: 50 }], [bulkheadKind, { ...bulkhead, maxQueue: 1, overflow: 'drop-oldest' }]);
    const { method } = methodOf(bench, [
      [500, 'a'],
      [10, 'b'],
    ]);
    const calls = [bench.call(method), bench.call(method)];
    await bench.clock.advance(1000);
    expect(await Promise.all(calls)).toEqual(['a', 'b']);
    await bench.clock.advance(50);
    expect(bench.leftovers()).toEqual([]);
  });

  it('begins in the async context of its call', async () => {
    const storage = new AsyncLocalStorage<string>();
    const bench = new Bench([hedgeKind, { delayMs: 50 }]);
    const seen: unknown[] = [];
    const calls = ['a', 'b'].map((name) =>
      storage.run(name, () => bench.call((arg: string) => (seen.push([arg, storage.getStore()]), bench.after(100, arg)), [name])),
    );
    await bench.clock.advance(1000);
    expect(await Promise.all(calls)).toEqual(['a', 'b']);
    expect(seen).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['a', 'a'],
      ['b', 'b'],
    ]);
  });

  it('stands beside an Observable of one value too', async () => {
    const bench = new Bench([hedgeKind, { delayMs: 1 }]);
    let invoked = 0;
    const call = bench.observe(() => timer(invoked++ === 0 ? 60_000 : 0).pipe(map(() => 'from the hedge')));
    await bench.clock.advance(1);
    expect(await call).toBe('from the hedge');
    expect(invoked).toBe(2);
    expect(bench.leftovers()).toEqual([]);
  });
});

describe('calls that share an attempt', () => {
  it('share its value, and its failure: one invocation, n calls', async () => {
    const outer = new Witness();
    const bench = new Bench(witnessed(outer), [singleFlightKind, {}]);
    const { method, invoked } = methodOf(bench, [
      [10, 'a'],
      [10, new Error('down')],
    ]);
    for (const result of ['a', 'failed: down']) {
      const calls = [1, 2, 3].map(() => bench.call(method, ['key']));
      await bench.clock.advance(20);
      expect(await Promise.all(calls)).toEqual([result, result, result]);
    }
    expect(invoked()).toBe(2);
    expect(outer.told).toEqual([...Array(3).fill('SUCCESS shared'), ...Array(3).fill('FAILURE')]);
    expect(bench.operation.pipeline.counts).toMatchObject({ calls: 6, successes: 3, failures: 3, branchAttempts: 2 });
    expect(bench.leftovers()).toEqual([]);
  });

  it('go on where their first caller aborts; where nobody is left the attempt is cut off', async () => {
    const inner = new Witness();
    const bench = new Bench([singleFlightKind, {}], witnessed(inner));
    const { method, invoked } = methodOf(bench, [
      [100, 'a'],
      [100, 'b'],
    ]);
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => bench.call(method, ['key'], signal));
    await bench.clock.advance(10);
    controllers[0]!.abort(new Error('leader left'));
    await bench.clock.advance(100);
    expect(await Promise.all(calls)).toEqual(['failed: leader left', 'a']);
    const alone = new AbortController();
    const last = bench.call(method, ['key'], alone.signal);
    await bench.clock.advance(10);
    alone.abort(new Error('left too'));
    expect(await last).toBe('failed: left too');
    await bench.clock.advance(200);
    expect({ invoked: invoked(), told: inner.told }).toEqual({ invoked: 2, told: ['SUCCESS method', 'abandoned SUPERSEDED'] });
    expect(bench.leftovers()).toEqual([]);
  });

  it('end with the shutdown', async () => {
    const bench = new Bench([singleFlightKind, {}]);
    const call = bench.call(() => new Promise(() => undefined), ['key']);
    await bench.clock.advance(10);
    const { shutdown } = bench.environment;
    await shutdown.drain({});
    await shutdown.drain({});
    expect(await call).toBe('failed: AbortError: the application shuts down');
    expect(bench.leftovers()).toEqual([]);
  });

  it('end at once where they begin later, with an AbortError, and the method is not called', async () => {
    const bench = new Bench([singleFlightKind, {}]);
    const { shutdown } = bench.environment;
    await shutdown.drain({});
    const { method, invoked } = methodOf(bench, [[10, 'a']]);
    const error: unknown = await bench.operation.run(undefined, method, ['key']).then(
      () => undefined,
      (rejection: unknown) => rejection,
    );
    expect(error).toMatchObject({ name: 'AbortError', message: 'the application shuts down' });
    expect(invoked()).toBe(0);
    await shutdown.drain({});
    expect(bench.leftovers()).toEqual([]);
  });
});

describe('a cache with refresh behind the answer', () => {
  it('answers without anything inside, and then with the stale value while one attempt makes a new one', async () => {
    const [outer, inner] = [new Witness('outer'), new Witness('inner')];
    const bench = new Bench(witnessed(outer), [memoryCacheKind, { ttlMs: 100 }], witnessed(inner));
    const { method, invoked } = methodOf(bench, [
      [10, 'old'],
      [10, 'new'],
    ]);
    const answers: string[] = [];
    for (const wait of [20, 20, 100, 15, 20]) {
      const call = bench.call(method, ['key']);
      await bench.clock.advance(wait);
      answers.push(await call);
    }
    expect(answers).toEqual(['old', 'old', 'old', 'old', 'new']);
    expect(outer.told).toEqual(['SUCCESS method', 'SUCCESS cache', 'SUCCESS cache', 'SUCCESS stale', 'SUCCESS cache']);
    expect(inner.told).toEqual(['SUCCESS method', 'SUCCESS method']);
    expect(invoked()).toBe(2);
    expect(bench.operation.pipeline.counts).toMatchObject({ calls: 5, successes: 5, branchAttempts: 1 });
    expect(bench.leftovers()).toEqual([]);
  });
});

describe('two policies of one kind on one operation', () => {
  it('have a state each by their names, and the outer one is told of the inner rejection', async () => {
    const bench = new Bench(
      [bulkheadKind, { ...bulkhead, maxConcurrent: 2, maxQueue: 0, name: 'wide' }],
      [bulkheadKind, { ...bulkhead, maxQueue: 0, name: 'narrow' }],
    );
    const calls = [1, 2, 3].map(() => bench.call(() => bench.after(10, 'ok')));
    await bench.clock.advance(20);
    const answers = await Promise.all(calls);
    expect(answers.map((answer) => answer.slice(0, 7))).toEqual(['ok', 'failed:', 'failed:']);
    expect(bench.operation.pipeline.tallies.map(({ rejections }) => rejections)).toEqual([0, 2]);
    expect(bench.registry.list('bulkhead').map(({ name }) => name)).toEqual(['wide', 'narrow']);
    expect(bench.leftovers()).toEqual([]);
  });
});
