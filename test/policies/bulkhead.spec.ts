import { BulkheadFullError, policies, ResilienceConfigError, type BulkheadOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';

const priority = ((value: number) => value) as never;

describe('a bulkhead', () => {
  it('lets so many calls run at a time, and so many wait', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'b', maxConcurrent: 2, maxQueue: 1 });
    const calls = [1, 2, 3, 4].map(() => lab.call(policy, 'ok@100'));
    const bulkhead = lab.resilience.bulkhead('b');
    expect([bulkhead.running, bulkhead.queued, bulkhead.utilization]).toEqual([2, 1, 1]);
    await lab.clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 0, 100, undefined]);
    expect(calls[3]!.error).toMatchObject({ reason: 'capacity', message: 'Bulkhead "b": 2 of 2 places in use, 1 of 1 waiting' });
    expect([bulkhead.running, bulkhead.queued, bulkhead.rejections]).toEqual([0, 0, 1]);
  });

  it('gives a place back however the call ends', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.timeout('50ms'), policies.bulkhead({ name: 'b', maxConcurrent: 1 }));
    for (const script of ['ok', 'fail', 'ok@10', 'fail@10', 'ok@80', 'fail@80']) {
      lab.call(policy, script);
      await lab.clock.advance(100);
      expect(lab.resilience.bulkhead('b').running).toBe(0);
    }
    const thrown = lab.resilience.execute(policy, () => {
      throw new Error('at once');
    });
    await expect(thrown).rejects.toThrow('at once');
    expect(lab.resilience.bulkhead('b').running).toBe(0);
  });

  it('keeps a place taken until the method has really settled', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.timeout('50ms'), policies.bulkhead({ name: 'b', maxConcurrent: 1, maxQueue: 5 }));
    const slow = lab.call(policy, 'ok@200');
    await lab.clock.advance(60);
    const next = lab.call(policy, 'ok@10');
    expect(slow.at).toBe(50);
    expect(lab.resilience.bulkhead('b').running).toBe(1);
    await lab.clock.advance('1s');
    expect(next.error).toMatchObject({ code: 'ERR_TIMEOUT' }); // it waited for the place until its own time was over
    expect(next.starts).toEqual([]);
    expect(lab.resilience.bulkhead('b')).toMatchObject({ running: 0, queued: 0 });
  });

  it('serves higher priorities first', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ maxConcurrent: 1, maxQueue: 9, priority });
    const calls = [0, 1, 5, 1, 5].map((value) => lab.call(policy, 'ok@10', { args: [value] }));
    await lab.clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 30, 10, 40, 20]);
  });

  it.each<[string, BulkheadOptions, number[], (string | undefined)[]]>([
    ['turns the newcomer away by default', {}, [0, 1, 1, 1], [undefined, undefined, undefined, 'capacity']],
    ['drops the oldest where that is wanted', { overflow: 'drop-oldest' }, [0, 1, 1, 1], [undefined, 'displaced', undefined, undefined]],
    ['drops the oldest of the lowest priority', { overflow: 'drop-oldest' }, [0, 5, 2, 5], [undefined, undefined, 'displaced', undefined]],
    ['drops nobody of a higher priority', { overflow: 'drop-oldest' }, [0, 5, 5, 2], [undefined, undefined, undefined, 'capacity']],
  ])('%s', async (_what, options, priorities, reasons) => {
    const lab = new Lab();
    const policy = policies.bulkhead({ maxConcurrent: 1, maxQueue: 2, priority, ...options });
    const calls = priorities.map((value) => lab.call(policy, 'ok@10', { args: [value] }));
    await lab.clock.advance('1s');
    expect(calls.map(({ error }) => (error as BulkheadFullError | undefined)?.reason)).toEqual(reasons);
  });

  it('lets wait only so long', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'b', maxConcurrent: 1, maxQueue: 5, queueTimeout: '100ms' });
    lab.call(policy, 'ok@150');
    const waiting = lab.call(policy, 'ok');
    await lab.clock.advance('1s');
    expect(waiting).toMatchObject({
      at: 100,
      starts: [],
      error: { reason: 'queue-timeout', message: 'Bulkhead "b": no place within 100 ms' },
    });
    expect(lab.told.filter((type) => type.startsWith('bulkhead'))).toEqual(['bulkhead.queued', 'bulkhead.rejected']);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('lets waiters in at once when it grows, and runs out when it shrinks', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'b', maxConcurrent: 1, maxQueue: 9 });
    const calls = [1, 2, 3, 4].map(() => lab.call(policy, 'ok@100'));
    const bulkhead = lab.resilience.bulkhead('b');
    await lab.clock.advance(10);
    bulkhead.resize(3);
    await lab.clock.advance(10);
    expect([bulkhead.running, bulkhead.queued, bulkhead.maxConcurrent]).toEqual([3, 1, 3]);
    bulkhead.resize(1);
    await lab.clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 10, 10, 110]);
    expect(() => bulkhead.resize(0)).toThrow(ResilienceConfigError);
  });

  it('has places for each key and common ones, and forgets idle keys first', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'b', maxConcurrent: 1, maxKeys: 2, key: (tenant: string | undefined) => tenant });
    const call = (key: string | undefined) => lab.call(policy, 'ok@100', { args: [key] });
    const calls = ['a', 'a', 'b', undefined, undefined].map(call);
    await lab.clock.settle();
    expect(calls.map(({ error }) => error instanceof BulkheadFullError)).toEqual([false, true, false, false, true]);
    expect(lab.resilience.bulkhead('b').running).toBe(3);
    await lab.clock.advance('1s');
    expect(lab.resilience.bulkhead('b').running).toBe(0);
    expect(call('c').starts).toEqual([1000]);
  });

  it('says to who waits for a key that must be forgotten that it was displaced', async () => {
    const lab = new Lab();
    const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 1, maxKeys: 1 });
    await bulkhead.acquire({ key: 'a' });
    const waiting = expect(bulkhead.acquire({ key: 'a' })).rejects.toMatchObject({ reason: 'displaced', isRetryable: true });
    await bulkhead.acquire({ key: 'b' });
    await waiting;
  });

  it('takes an unusable priority for 0', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ maxConcurrent: 1, maxQueue: 9, priority });
    const calls = [0, Number.NaN, 1].map((value) => lab.call(policy, 'ok@10', { args: [value] }));
    await lab.clock.advance('1s');
    expect(calls.map(({ starts }) => starts[0])).toEqual([0, 20, 10]);
  });

  it('takes any value that has one text for a key, and fails the call for others with nothing taken', async () => {
    const lab = new Lab();
    const policy = policies.bulkhead({ name: 'b', maxConcurrent: 1, key: ((key: unknown) => key) as never });
    const call = (key: unknown) => lab.call(policy, 'ok@10', { name: 'op', args: [key] });
    const [number, same, list] = [call(1), call('1'), call(['1'])];
    await lab.clock.advance(100);
    expect([number.value, (same.error as BulkheadFullError).reason]).toEqual(['ok', 'capacity']);
    expect((list.error as Error).message).toBe(
      'op: the key function of @Bulkhead must give text, a number, a bigint or a boolean, got ["1"]',
    );
    const bulkhead = lab.resilience.bulkhead('b');
    expect(() => bulkhead.tryAcquire({} as never)).toThrow('the key for bulkhead "b" must give text');
    expect(bulkhead.running).toBe(0);
  });

  it('counts what tryAcquire rejects, and tells of it', async () => {
    const lab = new Lab();
    const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1 });
    const permit = bulkhead.tryAcquire()!;
    expect([bulkhead.tryAcquire(), bulkhead.tryAcquire()]).toEqual([undefined, undefined]);
    expect([bulkhead.rejections, lab.told]).toEqual([2, ['bulkhead.rejected', 'bulkhead.rejected']]);
    permit.release();
    expect(bulkhead.running).toBe(0);
  });

  it.each([Number.NaN, undefined, '9', null, {}, 9n])('by hand, takes the priority %p for 0', async (unusable) => {
    const lab = new Lab();
    const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 9 });
    const first = await bulkhead.acquire();
    const order: string[] = [];
    const join = (name: string, value: unknown): void => {
      void bulkhead.acquire({ priority: value as number }).then((permit) => (order.push(name), permit.release()));
    };
    join('low', -1);
    join('zero', 0);
    join('unusable', unusable);
    join('high', 1);
    first.release();
    await lab.clock.settle();
    expect(order).toEqual(['high', 'zero', 'unusable', 'low']);
  });

  it('rejects another size than an integer >= 1 or Infinity', () => {
    const bulkhead = new Lab().resilience.bulkhead('b', { maxConcurrent: 1 });
    for (const size of [0, -1, 1.5, Number.NaN, -Infinity, '2', undefined] as number[]) {
      expect(() => bulkhead.resize(size)).toThrow('maxConcurrent must be an integer >= 1 or Infinity, got');
    }
    expect(bulkhead.maxConcurrent).toBe(1);
    bulkhead.resize(Infinity);
    for (let index = 0; index < 100; index++) expect(bulkhead.tryAcquire()).toBeDefined();
    expect(bulkhead.utilization).toBe(0);
  });

  it('keeps the bounds of its queue where a listener asks for a place while it changes', async () => {
    const lab = new Lab();
    const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 1, overflow: 'drop-oldest' });
    const first = await bulkhead.acquire();
    const reasons: string[] = [];
    const join = (name: string): void => {
      bulkhead.acquire().then(
        (permit) => (reasons.push(`${name} ran`), permit.release()),
        (error: BulkheadFullError) => reasons.push(`${name} ${error.reason}`),
      );
    };
    let asked = false;
    const queued: number[] = [];
    lab.resilience.on('bulkhead.rejected', () => {
      queued.push(bulkhead.queued);
      if (asked) return;
      asked = true;
      join('listener');
    });
    join('a');
    join('b');
    expect(queued.every((length) => length <= 1)).toBe(true);
    expect(bulkhead.queued).toBe(1);
    first.release();
    await lab.clock.settle();
    expect(reasons.toSorted()).toEqual(['a displaced', 'b displaced', 'listener ran']);
    expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0]);
  });

  it('tells and counts who waits for a key that must be forgotten, after the newcomer has its place', async () => {
    const lab = new Lab();
    const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 2, maxKeys: 1 });
    await bulkhead.acquire({ key: 'a' });
    const waiting = [1, 2].map(() => expect(bulkhead.acquire({ key: 'a' })).rejects.toMatchObject({ reason: 'displaced' }));
    const seen: unknown[] = [];
    lab.resilience.on('bulkhead.rejected', ({ key, reason }) => seen.push([key, reason, bulkhead.running, bulkhead.queued]));
    expect(bulkhead.tryAcquire('b')).toBeDefined();
    await Promise.all(waiting);
    expect(seen).toEqual([
      ['a', 'displaced', 1, 0],
      ['a', 'displaced', 1, 0],
    ]);
    expect(bulkhead.rejections).toBe(2);
  });

  describe('with releaseAfter', () => {
    const lost = (releaseAfter: BulkheadOptions['releaseAfter']) => {
      const lab = new Lab();
      const options = { maxConcurrent: 1, ...(releaseAfter === undefined ? {} : { releaseAfter }) };
      const bulkhead = lab.resilience.bulkhead('b', options);
      const policy = policies.combine(policies.timeout('1s'), policies.bulkhead({ name: 'b', ...options }));
      return { lab, bulkhead, call: (script: string) => lab.call(policy, script, { name: 'op' }) };
    };

    it('gives the permit of a call back that was answered so long ago, and says so', async () => {
      const { lab, call, bulkhead } = lost('10s');
      call('hang');
      await lab.clock.advance('10s');
      expect([bulkhead.running, bulkhead.abandoned, bulkhead.released]).toEqual([1, 1, 0]);
      await lab.clock.advance('1s');
      expect([bulkhead.running, bulkhead.abandoned, bulkhead.released]).toEqual([0, 0, 1]);
      expect(lab.events.filter(({ type }) => type === 'bulkhead.released')).toMatchObject([
        { operationId: 'op', policyName: 'b', answeredMsAgo: 10_000, running: 0 },
      ]);
      const next = call('ok');
      await lab.clock.settle();
      expect(next.value).toBe('ok');
    });

    it('gives a permit back once, whether the method settles before or after', async () => {
      for (const duration of [5000, 30_000]) {
        const { lab, call, bulkhead } = lost('10s');
        call(`ok@${duration}`);
        await lab.clock.advance('1m');
        expect([bulkhead.running, bulkhead.released]).toEqual([0, duration === 5000 ? 0 : 1]);
        call('hang');
        await lab.clock.settle();
        expect(bulkhead.running).toBe(1);
      }
    });

    it('hands the permit to who waits', async () => {
      const lab = new Lab();
      const policy = policies.combine(policies.timeout('1s'), policies.bulkhead({ name: 'b', maxConcurrent: 1, releaseAfter: '1s' }));
      lab.call(policy, 'hang');
      await lab.clock.advance('1500ms');
      const bulkhead = lab.resilience.bulkhead('b');
      bulkhead.reconfigure({ ...bulkhead.settings, maxQueue: 1 });
      const waiting = lab.call(policy, 'ok');
      await lab.clock.advance('1s');
      expect(waiting.starts).toEqual([2000]);
    });

    it('is off by default', async () => {
      const { lab, call, bulkhead } = lost(undefined);
      call('hang');
      await lab.clock.advance('1d');
      expect([bulkhead.running, bulkhead.abandoned, bulkhead.released]).toEqual([1, 1, 0]);
    });
  });

  it.each<[string, BulkheadOptions, boolean]>([
    ['without a queueTimeout', { maxQueue: 5 }, true],
    ['with one not below the timeout', { maxQueue: 5, queueTimeout: '1s' }, true],
    ['with one below it', { maxQueue: 5, queueTimeout: '900ms' }, false],
    ['without a queue', {}, false],
  ])('%s in a timeout of 1 s: warns at startup: %p', (_what, options, warns) => {
    const lab = new Lab();
    lab.resilience.wrap(policies.combine(policies.timeout('1s'), policies.bulkhead(options)), () => 1, { name: 'op' });
    expect(lab.logged.filter((line) => line.startsWith('op: the bulkhead has a queue and'))).toHaveLength(warns ? 1 : 0);
  });

  describe('by hand', () => {
    it('gives permits in turn, which are given back once', async () => {
      const lab = new Lab();
      const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 2 });
      const first = await bulkhead.acquire();
      expect(bulkhead.tryAcquire()).toBeUndefined();
      const order: string[] = [];
      void bulkhead.acquire({ priority: 0 }).then((permit) => (order.push('low'), permit.release()));
      void bulkhead.acquire({ priority: 1 }).then((permit) => (order.push('high'), permit.release()));
      first.release();
      first.release();
      await lab.clock.settle();
      expect(order).toEqual(['high', 'low']);
      expect(bulkhead.running).toBe(0);
      {
        using permit = await bulkhead.acquire();
        expect(permit).toBeDefined();
        expect(bulkhead.running).toBe(1);
      }
      expect(bulkhead.running).toBe(0);
    });

    it('gives up the place in the line of who aborts, also in the moment of its turn', async () => {
      const lab = new Lab();
      const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 2, queueTimeout: '1h' });
      const first = await bulkhead.acquire();
      const [early, late] = [new AbortController(), new AbortController()];
      const outcomes = [
        expect(bulkhead.acquire({ signal: early.signal })).rejects.toThrow('early'),
        expect(bulkhead.acquire({ signal: late.signal })).rejects.toThrow('late'),
      ];
      early.abort(new Error('early'));
      expect(bulkhead.queued).toBe(1);
      first.release();
      late.abort(new Error('late'));
      await Promise.all(outcomes);
      expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0]);
      await expect(bulkhead.acquire({ signal: early.signal })).rejects.toThrow('early');
      expect(bulkhead.running).toBe(0);
    });

    it('rejects at once where there is no queue', async () => {
      const bulkhead = new Lab().resilience.bulkhead('b', { maxConcurrent: 1 });
      await bulkhead.acquire();
      await expect(bulkhead.acquire()).rejects.toBeInstanceOf(BulkheadFullError);
    });

    it('lets wait only for queueTimeout', async () => {
      const lab = new Lab();
      const bulkhead = lab.resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 1, queueTimeout: '1s' });
      await bulkhead.acquire();
      const waiting = expect(bulkhead.acquire()).rejects.toMatchObject({ reason: 'queue-timeout' });
      await lab.clock.advance('1s');
      await waiting;
    });
  });
});
