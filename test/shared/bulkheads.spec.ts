import fc from 'fast-check';
import { BulkheadFullError, createResilience, policies, type BulkheadOptions } from '../../src/core.js';
import { memoryStore } from '../../src/testing/index.js';
import { schedule } from '../properties/support.js';
import { Lab } from '../support/lab.js';
import { Fleet, type Fault } from './permits/fleet.js';
import { LEASE_MS } from './permits/stores.js';

const priority = ((value: number) => value) as never;
const reasonOf = ({ error }: { error?: unknown }): string | undefined => (error as BulkheadFullError | undefined)?.reason;

describe('a bulkhead that instances share', () => {
  it('lets so many calls run at a time over all of them', async () => {
    const { clock, instances } = new Fleet(2);
    const [a, b] = instances;
    const calls = [a!, b!, a!, b!].map((one) => one.call({ maxConcurrent: 3 }, 'ok@100'));
    await clock.advance(1);
    expect(calls.map(({ starts }) => starts.length)).toEqual([1, 1, 1, 0]);
    expect(calls[3]!.error).toMatchObject({
      reason: 'capacity',
      message: 'Bulkhead "b": 3 of 3 places in use by all instances (1 of them here), 0 of 0 waiting',
    });
    expect(a!.resilience.bulkhead('b').toJSON()).toMatchObject({ running: 2, runningInFleet: 2 });
    await clock.advance(100);
    expect(b!.call({ maxConcurrent: 3 }, 'ok')).toBeDefined();
    await clock.advance('1s');
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps a place taken until the method has really ended', async () => {
    const fleet = new Fleet(2);
    const [a, b] = fleet.instances;
    const options = { name: 'b', shared: true, maxConcurrent: 1 };
    const slow = a!.lab.call(policies.combine(policies.timeout('50ms'), policies.bulkhead(options)), 'ok@200');
    await fleet.clock.advance(100);
    expect(slow.error).toMatchObject({ code: 'ERR_TIMEOUT' });
    const early = b!.call(options, 'ok');
    await fleet.clock.advance(110);
    const late = b!.call(options, 'ok');
    await fleet.clock.advance(1);
    expect([reasonOf(early), late.value]).toEqual(['capacity', 'ok']);
  });

  it('lets wait in each instance by priority, and tells the one that waits when a place comes free elsewhere', async () => {
    const { clock, instances } = new Fleet(2);
    const [a, b] = instances;
    const options = { maxConcurrent: 1, maxQueue: 9, priority };
    a!.call(options, 'ok@50', { args: [0] });
    await clock.advance(1);
    const waiting = [0, 5, 1].map((value) => b!.call(options, 'ok@10', { args: [value] }));
    await clock.advance('1s');
    expect(waiting.map(({ starts }) => starts[0])).toEqual([70, 50, 60]);
  });

  it.each<[string, BulkheadOptions, (string | undefined)[]]>([
    ['turns away who finds the queue full', {}, [undefined, undefined, 'capacity', 'capacity']],
    ['lets the oldest make room where that is wanted', { overflow: 'drop-oldest' }, ['displaced', 'displaced', undefined, undefined]],
    ['lets wait only so long', { queueTimeout: '20ms' }, ['queue-timeout', 'queue-timeout', 'capacity', 'capacity']],
  ])('%s', async (_what, more, reasons) => {
    const { clock, instances } = new Fleet(2);
    const options = { maxConcurrent: 1, maxQueue: 2, ...more };
    instances[0]!.call(options, 'ok@50');
    await clock.advance(1);
    const calls = [1, 2, 3, 4].map(() => instances[1]!.call(options, 'ok@10'));
    await clock.advance('1s');
    expect(calls.map(reasonOf)).toEqual(reasons);
    expect(instances[1]!.resilience.bulkhead('b').queued).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives each instance that waits its share, however long the queue of another one is', async () => {
    const { clock, instances } = new Fleet(2);
    const [greedy, modest] = instances;
    const options = { maxConcurrent: 2, maxQueue: 500 };
    for (let index = 0; index < 200; index++) greedy!.call(options, 'ok@50');
    await clock.advance(1000);
    const late = [1, 2, 3].map(() => modest!.call(options, 'ok@50'));
    await clock.advance(300);
    expect(late.map(({ value }) => value)).toEqual(['ok', 'ok', 'ok']);
    expect(greedy!.resilience.bulkhead('b').running).toBe(2);
  });

  it('asks nobody where a place goes to the next call of the same instance, while no other one waits', async () => {
    const { clock, instances } = new Fleet(2);
    const options = { maxConcurrent: 1, maxQueue: 99 };
    for (let index = 0; index < 90; index++) instances[0]!.call(options, 'ok@1');
    await clock.advance(90);
    expect(instances[0]!.questions).toBeLessThan(10);
    await clock.advance('1s');
    expect(instances[0]!.resilience.bulkhead('b').running).toBe(0);
  });

  it('wakes who waits although the news of a free place are lost', async () => {
    const { clock, instances } = new Fleet(2);
    const options = { maxConcurrent: 1, maxQueue: 1 };
    instances[1]!.fault = 'no news';
    instances[0]!.call(options, 'ok@50');
    await clock.advance(1);
    const waiting = instances[1]!.call(options, 'ok');
    await clock.advance(120);
    expect(waiting.value).toBe('ok');
  });

  it('renews what is in use, for calls longer than a lease', async () => {
    const { clock, instances } = new Fleet(2);
    instances[0]!.call({ maxConcurrent: 1 }, `ok@${3 * LEASE_MS}`);
    await clock.advance(3 * LEASE_MS - 10);
    const other = instances[1]!.call({ maxConcurrent: 1 }, 'ok');
    await clock.advance(5);
    expect(reasonOf(other)).toBe('capacity');
    await clock.advance(LEASE_MS);
    expect(clock.pendingTimers).toBe(0);
  });

  it('has the places of a crashed instance again after its lease', async () => {
    const { clock, instances } = new Fleet(2);
    instances[0]!.call({ maxConcurrent: 1 }, 'hang');
    await clock.advance(1);
    instances[0]!.fault = 'refused'; // it is not heard of any more
    await clock.advance(LEASE_MS - 10);
    const early = instances[1]!.call({ maxConcurrent: 1 }, 'ok');
    await clock.advance(20);
    const late = instances[1]!.call({ maxConcurrent: 1 }, 'ok');
    await clock.advance(20);
    expect([reasonOf(early), late.value]).toEqual(['capacity', 'ok']);
  });

  it('says again what it has when the store has lost it', async () => {
    const fleet = new Fleet(2);
    const [a, b] = fleet.instances;
    a!.call({ maxConcurrent: 2 }, 'hang');
    await fleet.clock.advance(1);
    fleet.loseData();
    await fleet.clock.advance(LEASE_MS / 2);
    expect(await fleet.inUse()).toBe(1);
    const calls = [1, 2].map(() => b!.call({ maxConcurrent: 2 }, 'ok@10'));
    await fleet.clock.advance(100);
    expect(calls.map(reasonOf)).toEqual([undefined, 'capacity']);
  });

  it('takes an answer older than half a lease for no permit, and asks anew', async () => {
    const fleet = new Fleet(1);
    const [a] = fleet.instances;
    a!.delayMs = LEASE_MS / 2 + 1;
    const call = a!.call({ maxConcurrent: 1 }, 'ok@10');
    await fleet.clock.advance(100);
    a!.delayMs = 50;
    await fleet.clock.advance(LEASE_MS);
    expect(call.starts).toEqual([LEASE_MS / 2 + 51]);
    expect(await fleet.inUse()).toBe(0);
  });

  it('gives back a permit that came when the call that it was for had got another one', async () => {
    const fleet = new Fleet(2);
    const [a, b] = fleet.instances;
    const options = { maxConcurrent: 2, maxQueue: 1 };
    a!.fault = 'no news';
    b!.call(options, 'ok@50');
    await fleet.clock.advance(1);
    a!.call(options, 'ok@114');
    await fleet.clock.advance(1);
    const waiting = a!.call(options, 'hang');
    await fleet.clock.advance(88);
    a!.delayMs = 30; // the next question is asked at 102, and granted
    await fleet.clock.advance(28);
    expect(waiting.starts).toEqual([115]);
    expect(await fleet.inUse()).toBe(2);
    await fleet.clock.advance(50);
    expect(await fleet.inUse()).toBe(1);
  });

  it('gives back what came for a caller who has left, while the question was under way and before', async () => {
    const fleet = new Fleet(1);
    const [a] = fleet.instances;
    a!.delayMs = 30;
    const controller = new AbortController();
    const call = a!.call({ maxConcurrent: 1 }, 'ok', { signal: controller.signal });
    const at = new AbortController();
    const other = a!.call({ maxConcurrent: 1 }, 'ok', { signal: at.signal });
    at.abort(new Error('at once'));
    await fleet.clock.advance(10);
    controller.abort(new Error('gone'));
    await fleet.clock.advance(100);
    expect([call.error, other.error]).toEqual([new Error('gone'), new Error('at once')]);
    expect(await fleet.inUse()).toBe(0);
    expect(fleet.clock.pendingTimers).toBe(0);
  });

  it('gives everything back when the store closes, also for calls that run on', async () => {
    const fleet = new Fleet(2);
    const [a, b] = fleet.instances;
    a!.call({ maxConcurrent: 2, maxQueue: 1 }, 'hang');
    a!.call({ maxConcurrent: 2, maxQueue: 1 }, 'ok@50');
    const waiting = a!.call({ maxConcurrent: 2, maxQueue: 1 }, 'ok');
    await fleet.clock.advance(1);
    await a!.resilience.drain();
    await a!.stop();
    expect(reasonOf(waiting)).toBe('shutdown');
    expect(await fleet.inUse()).toBe(0);
    expect(fleet.clock.pendingTimers).toBe(1); // the method's own
    const calls = [1, 2].map(() => b!.call({ maxConcurrent: 2, maxQueue: 1 }, 'ok'));
    await fleet.clock.advance(100);
    expect(calls.map(({ value }) => value)).toEqual(['ok', 'ok']);
    expect(await fleet.inUse()).toBe(0);
  });

  it('has fewer places after a change below what is in use when calls have ended, and more at once', async () => {
    const { clock, instances } = new Fleet(2);
    const [a, b] = instances;
    const options = { maxConcurrent: 3, maxQueue: 9 };
    const calls = [1, 2, 3, 4, 5].map(() => a!.call(options, 'ok@100'));
    await clock.advance(1);
    for (const one of instances) one.resilience.bulkhead('b', { ...options, shared: true }).resize(1);
    const other = b!.call(options, 'ok@100');
    await clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 0, 0, 200, 300]);
    expect(other.starts).toEqual([100]);
    b!.call(options, 'ok@500');
    const grown = b!.call(options, 'ok');
    await clock.advance(10);
    b!.resilience.reconfigure('b', { bulkhead: { maxConcurrent: 2 } });
    await clock.advance(10);
    expect(grown.value).toBe('ok');
  });

  it('has places for each key, and asks by hand too', async () => {
    const { clock, instances } = new Fleet(2);
    const bulkheads = instances.map(({ resilience }) => resilience.bulkhead('b', { shared: true, maxConcurrent: 1 }));
    const permit = await bulkheads[0]!.acquire({ key: 'x' });
    const other = await bulkheads[1]!.acquire({ key: 'y' });
    await expect(bulkheads[1]!.acquire({ key: 'x' })).rejects.toMatchObject({ reason: 'capacity' });
    expect(() => bulkheads[0]!.tryAcquire()).toThrow('use acquire() in place of tryAcquire()');
    permit.release();
    permit.release();
    await clock.advance(20);
    const next = await bulkheads[1]!.acquire({ key: 'x' });
    for (const one of [next, other]) one.release();
    await clock.advance(20);
    expect(bulkheads.map(({ running }) => running)).toEqual([0, 0]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('forgets keys in use last, those that are waited for among them', async () => {
    const { clock, instances } = new Fleet(2);
    const [a, b] = instances.map(({ resilience }) => resilience.bulkhead('b', { shared: true, maxConcurrent: 1, maxQueue: 1, maxKeys: 2 }));
    const held = await a!.acquire({ key: 'x' });
    const waiting = b!.acquire({ key: 'x' });
    await clock.advance(1);
    for (const key of ['1', '2', '3']) (await b!.acquire({ key })).release();
    held.release();
    (await waiting).release();
    await clock.advance(20);
    expect(b!.queued).toBe(0);
  });

  it('takes no permit for a call that a hedge would make wait, and none where the queue is elsewhere', async () => {
    const { clock, instances } = new Fleet(1);
    const bulkhead = instances[0]!.resilience.bulkhead('b', { shared: true, maxConcurrent: 1, maxQueue: 5 });
    const permit = await bulkhead.acquire();
    const { partition } = bulkhead as unknown as {
      partition(key: undefined): { admit(priority: number, asking: object): { state: string } };
    };
    const hedge = partition.call(bulkhead, undefined).admit(0, { mayWait: false, now: () => clock.now() });
    await clock.advance(1);
    expect(hedge.state).toBe('rejected');
    permit.release();
    await clock.advance(1);
  });
});

describe('a shared bulkhead whose store does not answer', () => {
  it.each<[NonNullable<BulkheadOptions['onStoreFailure']> | undefined, number]>([
    [undefined, 2],
    ['local', 2],
    ['allow', 5],
    ['reject', 0],
  ])('%s: %d of five calls run', async (onStoreFailure, running) => {
    const { clock, instances } = new Fleet(2);
    const [a] = instances;
    a!.fault = 'refused';
    const options = { maxConcurrent: 4, ...(onStoreFailure === undefined ? {} : { onStoreFailure }) };
    const calls = [1, 2, 3, 4, 5].map(() => a!.call(options, 'ok@100'));
    await clock.advance(1);
    expect(a!.resilience.bulkhead('b').running).toBe(running);
    const reasons = calls.map(reasonOf).filter((reason) => reason !== undefined);
    expect(reasons).toEqual(Array(5 - running).fill(onStoreFailure === 'reject' ? 'store' : 'capacity'));
    a!.fault = 'none';
    await clock.advance('1s');
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts what the store had granted, and says what runs when it is back', async () => {
    const fleet = new Fleet(2);
    const [a, b] = fleet.instances;
    const options = { maxConcurrent: 4 };
    for (let index = 0; index < 2; index++) a!.call(options, 'hang');
    await fleet.clock.advance(1);
    a!.fault = 'lost answer';
    const more = a!.call(options, 'ok');
    await fleet.clock.advance(1);
    expect(more.error).toMatchObject({
      message: 'Bulkhead "b": 2 of 2 places in use here, while the store does not answer, 0 of 0 waiting',
    });
    expect(await fleet.inUse()).toBe(3); // granted, and nobody knows
    a!.fault = 'none';
    await fleet.clock.advance(200);
    expect(await fleet.inUse()).toBe(2);
    const calls = [1, 2, 3].map(() => b!.call(options, 'ok@10'));
    await fleet.clock.advance(50);
    expect(calls.map(reasonOf)).toEqual([undefined, undefined, 'capacity']);
  });

  it('goes on with its queue: waiters get the places of calls that end here', async () => {
    const { clock, instances } = new Fleet(2);
    const [a] = instances;
    const options = { maxConcurrent: 2, maxQueue: 9 };
    const calls = [1, 2, 3, 4].map(() => a!.call(options, 'ok@50'));
    await clock.advance(1);
    a!.fault = 'refused';
    await clock.advance('1s');
    expect(calls.map(({ value }) => value)).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});

describe('the options of a shared bulkhead', () => {
  it('need a store, and say what to import', () => {
    const without = createResilience();
    expect(() => without.bulkhead('b', { shared: true })).toThrow('import ResilienceRedisModule.register({ url, group })');
    expect(() => without.declare('op', policies.bulkhead({ shared: true }))).toThrow('bulkhead "op": shared needs a store');
    expect(() => without.bulkhead('b', { onStoreFailure: 'allow' })).toThrow('onStoreFailure needs shared: true');
    expect(() => without.bulkhead('b', { onStoreFailure: 'open' as never })).toThrow("'local' or 'allow' or 'reject'");
  });

  it('can come from overrides and are explained; onStoreFailure can change while calls run, and shared cannot', async () => {
    const lab = new Lab({ store: memoryStore(), overrides: { '*': { bulkhead: { shared: true } } } });
    lab.resilience.declare('op', policies.bulkhead({ maxConcurrent: 3 }));
    expect(JSON.stringify(lab.resilience.explain('op'))).toContain('"shared"');
    lab.resilience.reconfigure('op', { bulkhead: { onStoreFailure: 'reject' } });
    expect(() => lab.resilience.reconfigure('op', { bulkhead: { shared: false } })).toThrow(
      'shared cannot be changed while the application runs',
    );
    const call = lab.call(policies.bulkhead({ maxConcurrent: 3 }), 'ok', { name: 'op' });
    await lab.clock.settle();
    expect(call.value).toBe('ok');
  });
});

describe('whatever happens to instances that share a bulkhead', () => {
  const call = fc.record({
    kind: fc.constant('call' as const),
    at: fc.nat(2),
    durationMs: fc.integer({ min: 0, max: 300 }),
    fails: fc.boolean(),
    priority: fc.nat(2),
    abortAfterMs: fc.option(fc.nat(100), { nil: undefined, freq: 4 }),
  });
  const trouble = fc.record({
    kind: fc.constant('trouble' as const),
    at: fc.nat(2),
    fault: fc.constantFrom<Fault>('none', 'lost answer', 'no news'),
    delayMs: fc.nat(40),
  });

  it('never more calls run than there are permits, none is lost, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(3),
        fc.boolean(),
        schedule(fc.oneof({ weight: 6, arbitrary: call }, { weight: 1, arbitrary: trouble }), 60),
        async (maxConcurrent, maxQueue, isAborted, steps) => {
          const fleet = new Fleet(3);
          // In trouble nobody decides alone here, so that the limit holds in all of it.
          const options: BulkheadOptions = { maxConcurrent, maxQueue, onStoreFailure: 'reject' };
          if (maxQueue > 0) Object.assign(options, { priority, queueTimeout: 150 });
          let [running, highest, ended, calls] = [0, 0, 0, 0];
          for (const { afterMs, step } of steps) {
            await fleet.clock.advance(afterMs);
            const instance = fleet.instances[step.at]!;
            if (step.kind === 'trouble') {
              Object.assign(instance, { fault: step.fault, delayMs: step.delayMs });
              continue;
            }
            calls++;
            const controller = new AbortController();
            if (step.abortAfterMs !== undefined && isAborted)
              fleet.clock.setTimer(() => controller.abort(new Error('gone')), step.abortAfterMs);
            const task = async (): Promise<void> => {
              highest = Math.max(highest, ++running);
              try {
                await instance.lab.play(`${step.fails ? 'fail' : 'ok'}@${step.durationMs}`);
              } finally {
                running--;
              }
            };
            const policy = policies.bulkhead({ name: 'b', shared: true, ...options });
            const end = (): void => void ended++;
            void instance.resilience.execute(policy, task, { args: [step.priority], signal: controller.signal }).then(end, end);
          }
          for (const instance of fleet.instances) Object.assign(instance, { fault: 'none', delayMs: 0 });
          await fleet.clock.advance(LEASE_MS);
          expect(highest).toBeLessThanOrEqual(maxConcurrent);
          expect({ running, ended, left: await fleet.inUse(), timers: fleet.clock.pendingTimers }).toEqual({
            running: 0,
            ended: calls,
            left: 0,
            timers: 0,
          });
        },
      ),
      { numRuns: Number(process.env['SCHEDULES'] ?? 300) },
    );
  });
});
