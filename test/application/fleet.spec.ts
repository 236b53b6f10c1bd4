import { createRequire } from 'node:module';
import { policies, type FleetEvent } from '../../src/core.js';
import { VERSION } from '../../src/application/fleet/version.js';
import { FakeClock, memoryStore } from '../../src/testing/index.js';
import { Lab } from '../support/lab.js';
import { hurt, type Hurt } from '../support/hurt-store.js';

/** Instances with one clock and one store. */
function instances(count: number, { clock = new FakeClock(), store = memoryStore() } = {}): (Lab & { readonly store: Hurt })[] {
  return Array.from({ length: count }, () => {
    const hurtStore = hurt(store);
    return Object.assign(new Lab({ clock, store: hurtStore }), { clock, store: hurtStore });
  });
}

const breaker = policies.circuitBreaker({ name: 'payments' });
const bulkhead = policies.bulkhead({ name: 'payments', maxConcurrent: 5 });
const because = { reason: 'the provider is down', by: 'ann' };

describe('the fleet', () => {
  it('is one instance where nothing is shared', async () => {
    const lab = new Lab();
    lab.resilience.declare('op', bulkhead);
    const { fleet } = lab.resilience;
    expect(fleet.instances()).toMatchObject([
      { isSelf: true, status: 'reporting', ageMs: 0, snapshot: [{ kind: 'bulkhead', name: 'payments' }] },
    ]);
    expect(fleet.reporting()).toEqual({ reporting: 1, known: 1, oldestMs: 0 });
    const done = await fleet.command('payments', 'resize', { arguments: { maxConcurrent: 2 }, ...because });
    expect([done.applied, done.pending, lab.resilience.bulkhead('payments').maxConcurrent]).toEqual([[fleet.id], [], 2]);
    expect(lab.clock.pendingTimers).toBe(0);
  });

  it('says who is there, of which version and since when', async () => {
    const [a, b] = instances(2);
    await a!.clock.advance('1s');
    const [self, other] = a!.resilience.fleet.instances();
    expect([self!.id, other!.id]).toEqual([a!.resilience.fleet.id, b!.resilience.fleet.id]);
    const versions = {
      bulwark: (createRequire(import.meta.url)('../../package.json') as { version: string }).version,
      node: process.version,
    };
    expect(other).toMatchObject({ isSelf: false, pid: process.pid, versions, status: 'reporting', startedAt: a!.clock.wallTime() - 1000 });
    expect(VERSION).toBe(versions.bulwark);
    await Promise.all([a!, b!].map(({ resilience }) => resilience.close()));
    expect(a!.clock.pendingTimers).toBe(0);
  });

  it('shows who is late, gone, or back, and forgets who was gone for a minute or has left', async () => {
    const [a, b, c] = instances(3);
    await a!.clock.advance('5s');
    const statusOf = (): unknown[] => a!.resilience.fleet.instances().map(({ status }) => status);
    b!.store.fault = 'refused';
    await a!.clock.advance(2500);
    expect(statusOf()).toEqual(['reporting', 'late', 'reporting']);
    expect(a!.resilience.fleet.reporting()).toMatchObject({ reporting: 3, known: 3 });
    expect(a!.resilience.fleet.reporting().oldestMs).toBeGreaterThan(2000);
    await a!.clock.advance('1s');
    expect(a!.resilience.fleet.reporting()).toMatchObject({ reporting: 2, known: 3 });
    b!.store.fault = 'none';
    await a!.clock.advance('2s');
    expect(statusOf()).toEqual(['reporting', 'reporting', 'reporting']);
    b!.store.fault = 'refused';
    await c!.resilience.close();
    await a!.clock.advance('65s');
    expect(statusOf()).toEqual(['reporting']);
    a!.store.fault = 'refused';
    await a!.clock.advance('5s');
    expect(a!.resilience.fleet.reporting()).toMatchObject({ reporting: 1 });
  });

  it('tells how instances are only while somebody watches', async () => {
    const [a, b] = instances(2);
    b!.resilience.declare('op', bulkhead);
    await a!.clock.advance('2s');
    expect(a!.resilience.fleet.instances()[1]!.snapshot).toBeUndefined();
    expect(b!.store.snapshots).toBe(0);
    const unwatch = a!.resilience.fleet.watch();
    await a!.clock.advance('2s');
    expect(a!.resilience.fleet.instances()[1]!.snapshot).toMatchObject([
      { kind: 'bulkhead', name: 'payments', snapshot: { maxConcurrent: 5 } },
    ]);
    unwatch();
    unwatch();
    await a!.clock.advance('5s');
    const { snapshots } = b!.store;
    await a!.clock.advance('5s');
    expect(b!.store.snapshots).toBe(snapshots);
  });

  it('counts its instances for what is divided where the store fails', async () => {
    const [a] = instances(4);
    await a!.clock.advance('1s');
    a!.store.fault = 'refused';
    const shared = policies.bulkhead({ name: 'shared', shared: true, maxConcurrent: 8 });
    for (let index = 0; index < 5; index++) a!.call(shared, 'hang');
    await a!.clock.advance(1);
    expect(a!.resilience.bulkhead('shared').running).toBe(2);
  });
});

describe('a command to the fleet', () => {
  it('is done by all, with who, why and when, and says who has done it', async () => {
    const labs = instances(3);
    const [a, b] = labs;
    for (const { resilience } of labs) resilience.declare('op', breaker);
    await a!.clock.advance('1s');
    const told = await a!.resilience.fleet.command('payments', 'force-open', because);
    expect(told).toMatchObject({ applied: [a!.resilience.fleet.id] });
    expect(told.pending).toHaveLength(2);
    await a!.clock.advance(1);
    expect(labs.map(({ resilience }) => resilience.circuitBreaker('payments').state)).toEqual([
      'forced-open',
      'forced-open',
      'forced-open',
    ]);
    expect(b!.events).toContainEqual(expect.objectContaining({ type: 'control.applied', command: 'force-open', ...because }));
    await a!.clock.advance('1s');
    expect(a!.resilience.fleet.progress(told.id!)).toMatchObject({ pending: [] });
  });

  it('finds the kind by the command, and asks which one is meant where several have it', async () => {
    const [lab] = instances(1);
    lab!.resilience.declare('op', policies.combine(breaker, bulkhead));
    await lab!.clock.advance(1);
    const { fleet } = lab!.resilience;
    const args = { arguments: { maxConcurrent: 2 }, ...because };
    await fleet.command('payments', 'resize', args);
    expect(lab!.resilience.bulkhead('payments').maxConcurrent).toBe(2);
    await expect(fleet.command('payments', 'resize', { ...because, arguments: { maxConcurrent: 0 } })).rejects.toThrow(
      'maxConcurrent must be',
    );
    await expect(fleet.command('payments', 'explode', because)).rejects.toThrow('nothing of the name "payments" has it');
    await expect(fleet.command('paymnts', 'resize', args)).rejects.toThrow('there is nothing of that name');
    await expect(fleet.command('payments', 'resize', { ...args, reason: ' ' })).rejects.toThrow('reason must be a text that says why');
    await expect(fleet.command('payments', 'resize', undefined as never)).rejects.toThrow('reason must be a text');
    await expect(fleet.command('payments', 'reset', { ...because, scope: 'all' as never })).rejects.toThrow('scope must be');
    expect(lab!.resilience.bulkhead('payments').maxConcurrent).toBe(2);
  });

  it('can be for one instance alone, also without its store', async () => {
    const [a, b] = instances(2);
    for (const { resilience } of [a!, b!]) resilience.declare('op', breaker);
    await a!.clock.advance('1s');
    a!.store.fault = 'refused';
    await expect(a!.resilience.fleet.command('payments', 'force-open', because)).rejects.toThrow('no connection');
    expect(a!.resilience.circuitBreaker('payments').state).toBe('closed');
    const done = await a!.resilience.fleet.command('payments', 'force-open', { ...because, scope: 'instance' });
    await a!.clock.advance('2s');
    expect(done).toEqual({ id: undefined, applied: [a!.resilience.fleet.id], pending: [] });
    expect([a!, b!].map(({ resilience }) => resilience.circuitBreaker('payments').state)).toEqual(['forced-open', 'closed']);
  });

  it('is done by an instance that was away when it is back: the last one for each name', async () => {
    const [a, b] = instances(2);
    for (const { resilience } of [a!, b!]) resilience.declare('op', policies.combine(breaker, bulkhead));
    await a!.clock.advance('1s');
    b!.store.fault = 'refused';
    await a!.clock.advance('4s');
    const { fleet } = a!.resilience;
    for (const command of ['force-open', 'disable', 'metrics-only']) await fleet.command('payments', command, because);
    await fleet.command('payments', 'resize', { arguments: { maxConcurrent: 7 }, ...because });
    b!.store.fault = 'none';
    await a!.clock.advance('2s');
    expect(b!.resilience.circuitBreaker('payments').state).toBe('metrics-only');
    expect(b!.resilience.bulkhead('payments').maxConcurrent).toBe(7);
    expect(b!.told.filter((type) => type === 'control.applied')).toHaveLength(2);
  });

  it('is done by an instance that starts later where it still counts, also for names that come later, and a reset is not', async () => {
    const clock = new FakeClock();
    const store = memoryStore();
    const [a] = instances(1, { clock, store });
    const names = ['one', 'two', 'late'];
    for (const name of names) a!.resilience.circuitBreaker(name, {});
    await clock.advance(1);
    const { fleet } = a!.resilience;
    for (const name of names) await fleet.command(name, 'force-open', because);
    await fleet.command('two', 'reset', because);
    const [b] = instances(1, { clock, store });
    b!.resilience.circuitBreaker('one', {});
    b!.resilience.circuitBreaker('two', {});
    await clock.advance('1s');
    b!.resilience.circuitBreaker('late', {});
    await clock.advance('2s');
    expect(names.map((name) => b!.resilience.circuitBreaker(name).state)).toEqual(['forced-open', 'closed', 'forced-open']);
    expect(b!.events.filter(({ type }) => type === 'control.applied')).toHaveLength(2);
  });

  it('that another version tells in unknown words is passed over', async () => {
    const [a] = instances(1);
    a!.resilience.declare('op', breaker);
    await a!.clock.advance('1s');
    const words = [
      'no json',
      '[]',
      '{}',
      JSON.stringify({ kind: 'circuitBreaker', name: 'payments', command: 'unheard-of', reason: 'r', origin: 'x', at: 1 }),
    ];
    for (const [index, text] of words.entries()) await a!.store.opened!.fleet.tell(String(index), text);
    await a!.resilience.fleet.command('payments', 'force-open', because);
    expect(a!.resilience.circuitBreaker('payments').state).toBe('forced-open');
    expect(a!.told.filter((type) => type === 'callback.failed')).toHaveLength(1);
  });
});

describe('the events of the fleet', () => {
  it('come from all instances with their origin, those of commands once more as what was wanted', async () => {
    const [a, b] = instances(2);
    for (const { resilience } of [a!, b!]) resilience.declare('op', breaker);
    await a!.clock.advance('1s');
    const heard: FleetEvent[] = [];
    const subscription = a!.resilience.fleet.events$.subscribe((event) => heard.push(event));
    await a!.clock.advance('2s');
    b!.resilience.circuitBreaker('payments').forceOpen();
    a!.call(breaker, 'fail');
    await a!.clock.advance('2s');
    await b!.resilience.fleet.command('payments', 'reset', because);
    await a!.clock.advance('3s');
    const [self, other] = [a!.resilience.fleet.id, b!.resilience.fleet.id];
    expect(heard.map(({ origin, type }) => [origin, type])).toEqual(
      expect.arrayContaining([
        [other, 'circuit-breaker.state-forced'],
        [other, 'fleet.command'],
        [self, 'control.applied'],
        [other, 'control.applied'],
      ]),
    );
    expect(heard.find(({ type }) => type === 'fleet.command')!.facts).toMatchObject({ command: 'reset', name: 'payments', ...because });
    expect(heard.filter(({ origin, type }) => origin === other && type === 'circuit-breaker.state-forced')).toHaveLength(2);
    subscription.unsubscribe();
    await a!.clock.advance('5s');
    const count = heard.length;
    b!.resilience.circuitBreaker('payments').forceOpen();
    await a!.clock.advance('5s');
    expect(heard).toHaveLength(count);
  });
});
