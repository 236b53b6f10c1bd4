import { COMMANDS_KEPT, type FleetBeat, type FleetPosition, type FleetPulse, type FleetStore } from '../../src/policies/fleet-store.js';
import { until } from '../support/until.js';
import { Servers } from './permits/stores.js';

const servers = new Servers();
beforeAll(() => servers.start());
afterAll(() => servers.stop());

/** An instance that says what it has seen, as the fleet does. */
class Beating {
  seen: FleetPosition | undefined;

  constructor(
    private readonly store: FleetStore,
    private readonly instance: string,
  ) {}

  async beat(what: Partial<FleetBeat> = {}): Promise<FleetPulse> {
    const beat = { instance: this.instance, about: `{"is":"${this.instance}"}`, snapshot: undefined, events: [], isWatching: false };
    const pulse = await this.store.beat({ ...beat, ...what, seen: this.seen });
    this.seen = pulse.position;
    return pulse;
  }
}

const texts = (entries: readonly { readonly text: string }[]): string[] => entries.map(({ text }) => text);

describe.each(['memory', 'redis'] as const)('the fleet in a %s store', (kind) => {
  it('knows who has beaten, for how long not, and forgets who was silent for a minute or has left', async () => {
    const store = servers.fleet(kind);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new Beating(store.fleet, name));
    await a!.beat();
    await b!.beat();
    await c!.beat();
    store.now += 2500;
    const { members } = await c!.beat();
    expect(Object.fromEntries(members.map(({ instance, ageMs }) => [instance, ageMs]))).toEqual({ a: 2500, b: 2500, c: 0 });
    expect(members.find(({ instance }) => instance === 'b')!.about).toBe('{"is":"b"}');
    expect(store.fleet.reporting).toBe(3);
    store.now += 1000;
    await store.fleet.leave('a');
    await c!.beat();
    expect(store.fleet.reporting).toBe(1);
    store.now += 60_000;
    expect((await c!.beat()).members.map(({ instance }) => instance)).toEqual(['c']);
  });

  it('tells all commands in order to who was there, and the last for each target to who was not', async () => {
    const store = servers.fleet(kind);
    const [a, b] = ['a', 'b'].map((name) => new Beating(store.fleet, name));
    await a!.beat();
    for (const text of ['x 1', 'y 1', 'x 2', 'ключ "} 3']) await store.fleet.tell(text.split(' ')[0]!, text);
    const there = await a!.beat();
    expect([texts(there.commands), there.isCollapsed]).toEqual([['x 1', 'y 1', 'x 2', 'ключ "} 3'], false]);
    const late = await b!.beat();
    expect([texts(late.commands).toSorted(), late.isCollapsed]).toEqual([['x 2', 'y 1', 'ключ "} 3'], true]);
    for (const one of [a!, b!]) expect((await one.beat()).commands).toEqual([]);
  });

  it('keeps a bounded number of commands, and gives who missed some the last ones', async () => {
    const store = servers.fleet(kind);
    const away = new Beating(store.fleet, 'away');
    await away.beat();
    await store.fleet.tell('first', 'first');
    await away.beat();
    for (let index = 0; index < COMMANDS_KEPT + 5; index++) await store.fleet.tell(`t${index % 3}`, String(index));
    const pulse = await away.beat();
    expect(pulse.isCollapsed).toBe(true);
    expect(texts(pulse.commands).toSorted()).toEqual(['1002', '1003', '1004']);
    for (let index = 0; index < COMMANDS_KEPT + 5; index++) await store.fleet.tell(`other${index}`, 'x');
    const everything = await new Beating(store.fleet, 'new').beat();
    expect(everything.commands).toHaveLength(COMMANDS_KEPT);
  });

  it('tells snapshots and events only while somebody watches, and to nobody else', async () => {
    const store = servers.fleet(kind);
    const [watcher, b, c] = ['w', 'b', 'c'].map((name) => new Beating(store.fleet, name));
    expect((await b!.beat({ events: ['nobody hears this'] })).isWatched).toBe(false);
    await watcher!.beat({ isWatching: true });
    expect((await b!.beat({ events: ['e1', 'e2'], snapshot: 'how b is' })).isWatched).toBe(true);
    const pulse = await watcher!.beat({ isWatching: true });
    expect([texts(pulse.events), pulse.members.find(({ instance }) => instance === 'b')!.snapshot]).toEqual([['e1', 'e2'], 'how b is']);
    const other = await c!.beat();
    expect([other.events, other.members.map(({ snapshot }) => snapshot)]).toEqual([[], [undefined, undefined, undefined]]);
    expect((await watcher!.beat({ isWatching: true })).events).toEqual([]);
  });
});

describe('the fleet in Redis', () => {
  it('publishes that there is a command, and leaves no key without a time to live', async () => {
    const store = servers.fleet('redis');
    let heard = 0;
    store.fleet.onCommand(() => heard++);
    await new Beating(store.fleet, 'a').beat({ isWatching: true, snapshot: 's' });
    await new Beating(store.fleet, 'a').beat({ isWatching: true, events: ['e'] });
    await store.fleet.tell('x', 'y');
    await until('it was heard', () => heard === 1);
    expect([...(await servers.server.keys()).values()].every((ttl) => ttl > 0)).toBe(true);
  });

  it('that has lost everything is known by its epoch: what it is told from then on is new to all', async () => {
    const store = servers.fleet('redis');
    const a = new Beating(store.fleet, 'a');
    await a.beat();
    await store.fleet.tell('x', 'before');
    const { position } = await a.beat();
    await servers.client.flushall();
    await store.fleet.tell('x', 'after');
    const pulse = await a.beat();
    expect(pulse.position.epoch).not.toBe(position.epoch);
    expect(texts(pulse.commands)).toEqual(['after']);
  });
});
