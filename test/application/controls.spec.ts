import { createResilience, policies, type Policy, type Resilience, type ResilienceEvent } from '../../src/core.js';
import type { PolicyKind } from '../../src/engine/contract/kind.js';
import { Waiter } from '../../src/engine/waiting/waiter.js';
import { integer, text, type OptionsOf } from '../../src/options/index.js';
import { FakeClock } from '../../src/testing/index.js';
import { toy } from '../engine/kinds/bench.js';
import { quarantine, quarantineKind } from '../engine/kinds/quarantine.js';

const boom = (): Promise<never> => Promise.reject(new Error('boom'));

async function opened(resilience: Resilience): Promise<void> {
  const policy = policies.circuitBreaker({ name: 'payments', consecutiveFailures: 1, key: (key: string) => key });
  for (const key of ['acme', 'globex']) await resilience.execute(policy, boom, { name: 'pay', args: [key] }).catch(() => undefined);
  await resilience.execute(policy, () => 1, { name: 'pay', args: ['initech'] });
}

describe('what policies share by name', () => {
  it('is listed with kind, name, health, who waits, and plain data', async () => {
    const clock = new FakeClock();
    const resilience = createResilience({ clock });
    await opened(resilience);
    resilience.bulkhead('places', { maxConcurrent: 1, maxQueue: 5 });
    await resilience.bulkhead('places').acquire();
    const waiting = resilience.bulkhead('places').acquire();
    resilience.rateLimiter('calls', { limit: 10, per: '1s' });
    resilience.declare('list', policies.retry({ name: 'budget', budget: { ratio: 0.5, minPerSecond: 1, window: '10s' } }));
    const found = resilience.controls.list();
    expect(found).toMatchObject([
      {
        kind: 'circuitBreaker',
        name: 'payments',
        status: 'degraded',
        waiting: 0,
        snapshot: { state: 'closed', keys: { known: 3, open: 2 }, trips: 2 },
      },
      {
        kind: 'bulkhead',
        name: 'places',
        status: 'degraded',
        waiting: 1,
        snapshot: { running: 1, queued: 1, maxConcurrent: 1, maxQueue: 5 },
      },
      { kind: 'rateLimit', name: 'calls', status: 'up', waiting: 0, snapshot: { limit: 10, perMs: 1000, remaining: 10 } },
      { kind: 'retry', name: 'budget', status: undefined, waiting: 0, snapshot: { ratio: 0.5, windowMs: 10_000, remaining: 10 } },
    ]);
    expect(JSON.parse(JSON.stringify(found.map(({ snapshot }) => snapshot)))).toEqual(found.map(({ snapshot }) => snapshot));
    expect(JSON.stringify(found)).not.toMatch(/acme|boom/);
    expect(resilience.controls.list('bulkhead').map(({ name }) => name)).toEqual(['places']);
    expect(() => resilience.controls.list('bulkheads')).toThrow('there is no kind "bulkheads"; did you mean "bulkhead"?');
    const rejected = expect(waiting).rejects.toMatchObject({ reason: 'shutdown' });
    await resilience.drain();
    await rejected;
  });

  it('shows its keys page by page, those that are not well first', async () => {
    const resilience = createResilience({ clock: new FakeClock() });
    await opened(resilience);
    expect(resilience.controls.keys('circuitBreaker', 'payments', { limit: 2 })).toMatchObject({
      total: 3,
      keys: [
        { key: 'acme', state: 'open', lastError: 'Error' },
        { key: 'globex', state: 'open' },
      ],
    });
    expect(resilience.controls.keys('circuitBreaker', 'payments', { offset: 2 }).keys).toMatchObject([{ key: 'initech', state: 'closed' }]);
    const limiter = resilience.rateLimiter('calls', { limit: 2, per: '1s' });
    for (const key of ['a', 'b', 'c']) limiter.tryAcquire({ key });
    expect(resilience.controls.keys('rateLimit', 'calls', { offset: 1, limit: 5 })).toMatchObject({
      total: 3,
      keys: [
        { key: 'b', remaining: 1 },
        { key: 'c', remaining: 1 },
      ],
    });
    expect(() => resilience.controls.keys('rateLimit', 'callls')).toThrow('keys: there is no rateLimit "callls"; did you mean "calls"?');
    expect(() => resilience.controls.keys('rateLimit', 'calls', { limit: 0, ofset: 1 } as object)).toThrow(/limit must be[^]*ofset/);
  });

  it('takes commands, which are checked by their rules and told as an event', async () => {
    const events: ResilienceEvent[] = [];
    const resilience = createResilience({ clock: new FakeClock() });
    resilience.on('control.applied', (event) => void events.push(event));
    await opened(resilience);
    const { controls } = resilience;
    controls.run('circuitBreaker', 'payments', 'close', { key: 'acme', reason: 'the provider is back', by: 'ops' });
    expect(resilience.circuitBreaker('payments').stateOf('acme')).toBe('closed');
    controls.run('circuitBreaker', 'payments', 'force-open');
    expect(resilience.circuitBreaker('payments').state).toBe('forced-open');
    resilience.bulkhead('places', { maxConcurrent: 1 });
    controls.run('bulkhead', 'places', 'resize', { arguments: { maxConcurrent: 3 } });
    expect(resilience.bulkhead('places').maxConcurrent).toBe(3);
    expect(events).toMatchObject([
      { policyName: 'payments', kind: 'circuitBreaker', command: 'close', key: 'acme', reason: 'the provider is back', by: 'ops' },
      { command: 'force-open', key: undefined, arguments: {} },
      { command: 'resize', arguments: { maxConcurrent: 3 } },
    ]);
    expect(controls.commands('bulkhead')).toEqual([
      {
        kind: 'bulkhead',
        command: 'resize',
        meaning: expect.any(String) as string,
        keyed: false,
        arguments: { maxConcurrent: 'an integer >= 1 or Infinity' },
      },
    ]);
  });

  it('does nothing for a command that is wrong, and names every mistake', () => {
    const resilience = createResilience();
    resilience.bulkhead('places', { maxConcurrent: 1 });
    const run =
      (...args: readonly unknown[]) =>
      () =>
        (resilience.controls.run as (...all: readonly unknown[]) => void)(...args);
    expect(run('bulkhead', 'place', 'resize')).toThrow('there is no bulkhead "place"; did you mean "places"?');
    expect(run('bulkhead', 'places', 'risize')).toThrow('bulkhead has no command of that name; did you mean "resize"?');
    expect(run('bulkhead', 'places', 'toString')).toThrow('has no command of that name');
    expect(run('bulkhead', 'places', 'resize')).toThrow('maxConcurrent is required');
    expect(run('bulkhead', 'places', 'resize', { key: 'acme', arguments: { maxConcurrent: 0, other: 1 } })).toThrow(
      /leave key out[^]*maxConcurrent must be[^]*other/,
    );
    expect(run('bulkhead', 'places', 'resize', null)).toThrow('options must be an object');
    expect(run('bulkhead', 'places', 'resize', { arguments: [], reason: 7 })).toThrow(/arguments must be an object[^]*reason must be/);
    expect(resilience.bulkhead('places').maxConcurrent).toBe(1);
  });
});

const waitingRules = { permits: integer({ min: 0, default: 0 }), name: text() };

/** A queue of its own, of which it tells nobody. */
class WaitingRoom {
  readonly waiters: Waiter[] = [];
  readonly log: string[] = [];
}

const waitingRoomKind = {
  ...toy,
  kind: 'waitingRoom',
  rules: waitingRules,
  instance: {
    settings: ({ permits }) => ({ permits }),
    create: () => new WaitingRoom(),
    snapshot: ({ waiters }) => ({ waiting: waiters.length }),
    health: {
      group: 'waitingRooms',
      rules: { crowdedFrom: integer({ min: 1, default: 2 }) },
      check: ({ waiters }, { crowdedFrom }) => ({
        status: waiters.length >= (crowdedFrom as number) ? 'down' : 'up',
        details: { waiting: waiters.length },
      }),
    },
    waiting: ({ waiters }) => waiters.length,
    rejectAll: ({ waiters }) => waiters.splice(0).forEach((waiter) => waiter.reject(new Error('closed'))),
    start: ({ log }) => void log.push('started'),
    stop: ({ log }) => void log.push('stopped'),
    commands: { admit: { meaning: 'Lets the first one in.', rules: {}, run: ({ waiters }) => waiters.shift()?.grant() } },
  },
  build(_options, { name, instance, operationId }) {
    const left = (waiter: Waiter): void => void instance.waiters.splice(instance.waiters.indexOf(waiter), 1);
    const owner = { left, expired: () => undefined };
    return [
      {
        strategy: {
          kind: 'waitingRoom',
          name,
          admit: (call) => {
            const waiter = new Waiter(owner, 0, 1, undefined, operationId, call.now());
            instance.waiters.push(waiter);
            return waiter;
          },
        },
      },
    ];
  },
} as const satisfies PolicyKind<OptionsOf<typeof waitingRules>, WaitingRoom>;

const waitingRoom = { kind: 'waitingRoom', name: 'room' } as unknown as Policy;

describe('a kind that the library does not know', () => {
  function rooms() {
    const clock = new FakeClock();
    const resilience = createResilience({ clock, kinds: [waitingRoomKind] });
    const calls = [1, 2].map((value) =>
      resilience.execute(waitingRoom, () => value, { name: 'enter' }).catch((error: Error) => error.message),
    );
    return { clock, resilience, calls };
  }

  it('is listed, healthy or not, and controllable by itself', async () => {
    const { resilience, calls } = rooms();
    expect(resilience.controls.list()).toEqual([
      { kind: 'waitingRoom', name: 'room', status: 'down', waiting: 2, snapshot: { waiting: 2 } },
    ]);
    expect(resilience.controls.health('waitingRoom', { crowdedFrom: 3 })).toMatchObject([
      { group: 'waitingRooms', name: 'room', status: 'up' },
    ]);
    expect(() => resilience.controls.health('waitingRoom', { crowdedFron: 3 })).toThrow(
      'has no option "crowdedFron"; did you mean "crowdedFrom"?',
    );
    resilience.controls.run('waitingRoom', 'room', 'admit');
    expect(await calls[0]).toBe(1);
    await resilience.drain();
  });

  it('is drained: who leaves in time is served, and the others are rejected', async () => {
    const { clock, resilience, calls } = rooms();
    const drained = resilience.drain({ timeout: '1s' });
    await clock.advance(200);
    resilience.controls.run('waitingRoom', 'room', 'admit');
    await clock.advance(1000);
    await drained;
    expect(await Promise.all(calls)).toEqual([1, 'closed']);
  });

  it('begins by itself when it has a name, and ends with the application', async () => {
    let room: WaitingRoom | undefined;
    const kind = { ...waitingRoomKind, instance: { ...waitingRoomKind.instance, create: () => (room = new WaitingRoom()) } };
    const resilience = createResilience({ kinds: [kind] });
    resilience.declare('enter', waitingRoom);
    resilience.declare('leave', waitingRoom);
    expect(room!.log).toEqual(['started']);
    await resilience.drain();
    expect(room!.log).toEqual(['started', 'stopped']);
  });

  it('shows its figures and takes commands, as the guide has it', async () => {
    const resilience = createResilience({ clock: new FakeClock(), kinds: [quarantineKind] });
    const policy = quarantine({ name: 'shops', key: (shop: string) => shop }) as unknown as Policy;
    await resilience.execute(policy, boom, { name: 'sell', args: ['acme'] }).catch(() => undefined);
    expect(resilience.controls.list()).toMatchObject([{ kind: 'quarantine', name: 'shops', snapshot: { quarantined: 1 } }]);
    resilience.controls.run('quarantine', 'shops', 'release', { key: 'acme' });
    expect(resilience.controls.list()).toMatchObject([{ snapshot: { quarantined: 0 } }]);
  });
});
