import fc from 'fast-check';
import type { PermitClaim, PermitGrant } from '../../src/policies/bulkhead/shared/permit-store.js';
import { until } from '../support/until.js';
import { LEASE_MS, PROPAGATION_MS, Servers, type TestStore } from './permits/stores.js';

const servers = new Servers();
beforeAll(() => servers.start());
afterAll(() => servers.stop());

let sequence = 0;

/** One claim on a bulkhead of two permits. */
async function claim(store: TestStore, holder: string, what: Partial<PermitClaim> = {}): Promise<PermitGrant> {
  const { wanted = 0, staying = wanted } = what;
  const claims = [{ name: 'b', key: undefined, limit: 2, held: 0, ...what, holder, sequence: ++sequence, wanted, staying }];
  return (await store.permits.exchange(claims))[0]!;
}

describe.each(['memory', 'redis', 'naive'] as const)('the permits of a %s store', (kind) => {
  it('are granted up to the limit over all holders, and again when one is given back', async () => {
    const store = servers.create(kind);
    expect(await claim(store, 'a', { wanted: 1, staying: 0 })).toEqual({ granted: 1, inUse: 1, othersWait: false });
    expect(await claim(store, 'b', { wanted: 3, staying: 0 })).toEqual({ granted: 1, inUse: 2, othersWait: false });
    expect(await claim(store, 'a', { held: 1, wanted: 1, staying: 0 })).toMatchObject({ granted: 0, inUse: 2 });
    await claim(store, 'a', { held: 0 });
    expect(await claim(store, 'b', { held: 1, wanted: 3, staying: 0 })).toMatchObject({ granted: 1, inUse: 2 });
  });

  it('of a holder that has crashed are free after its lease, and not before', async () => {
    const store = servers.create(kind);
    await claim(store, 'crashed', { wanted: 2 });
    store.now += LEASE_MS;
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 0, inUse: 2 });
    store.now += 1;
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 1, inUse: 1 });
  });

  it('are counted anew by who still has them, where the store has lost them', async () => {
    const store = servers.create(kind);
    await claim(store, 'a', { held: 2 });
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 0, inUse: 2 });
    await claim(store, 'c', { held: 2 });
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 0, inUse: 4 });
    await claim(store, 'a', { held: 0 });
    await claim(store, 'c', { held: 1 });
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 1 });
  });

  it('are not changed by a claim that arrives after a later one', async () => {
    const store = servers.create(kind);
    const late = { name: 'b', key: undefined, holder: 'a', sequence: ++sequence, limit: 2, held: 0, wanted: 2, staying: 2 };
    await claim(store, 'a', { held: 1 });
    const [answer] = await store.permits.exchange([late]);
    expect(answer!.granted).toBe(0);
    expect(await claim(store, 'b', { wanted: 2 })).toMatchObject({ granted: 1 });
  });

  it('go to who has the fewest, and of several such to who was served least recently', async () => {
    const store = servers.create(kind);
    await claim(store, 'a', { wanted: 2 });
    await claim(store, 'b', { wanted: 1 });
    // One comes free: a has one left and wants another one, b has none.
    expect(await claim(store, 'a', { held: 1, wanted: 1 })).toEqual({ granted: 0, inUse: 1, othersWait: true });
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 1, inUse: 2 });
    // Both come free: a was served before b.
    await claim(store, 'b', { held: 0, wanted: 2 });
    expect(await claim(store, 'a', { held: 0, wanted: 2 })).toMatchObject({ granted: 1 });
    expect(await claim(store, 'b', { held: 0, wanted: 2 })).toMatchObject({ granted: 1 });
  });

  it('are kept for who waits only while it asks again', async () => {
    const store = servers.create(kind);
    await claim(store, 'a', { wanted: 2 });
    await claim(store, 'b', { wanted: 1 });
    store.now += 3 * PROPAGATION_MS;
    expect(await claim(store, 'a', { held: 1, wanted: 1 })).toMatchObject({ granted: 0, othersWait: true });
    store.now += 1;
    expect(await claim(store, 'a', { held: 1, wanted: 1 })).toMatchObject({ granted: 1, othersWait: false });
  });

  it('that come free are told to who waits for them and may have them', async () => {
    const store = servers.create(kind);
    await claim(store, 'a', { wanted: 2 });
    await claim(store, 'b', { wanted: 1 });
    await claim(store, 'c', { wanted: 1 });
    await claim(store, 'turned away', { wanted: 1, staying: 0 });
    await claim(store, 'a', { held: 0 });
    await until('they were told', () => store.told.length === 2);
    expect(store.told.toSorted()).toEqual(['b', 'c']);
  });

  it('may be fewer than are in use after a change: then none is granted', async () => {
    const store = servers.create(kind);
    await claim(store, 'a', { limit: 5, wanted: 5 });
    expect(await claim(store, 'a', { limit: 2, held: 3, wanted: 1, staying: 0 })).toMatchObject({ granted: 0, inUse: 3 });
    expect(await claim(store, 'a', { limit: 2, held: 1, wanted: 1, staying: 0 })).toMatchObject({ granted: 1, inUse: 2 });
  });

  it('are counted and never refused where there is no limit', async () => {
    const store = servers.create(kind);
    expect(await claim(store, 'a', { limit: Infinity, wanted: 40 })).toMatchObject({ granted: 40 });
    expect(await claim(store, 'b', { limit: Infinity, wanted: 40 })).toMatchObject({ granted: 40, inUse: 80 });
  });

  it('are apart by name and key, whatever these are', async () => {
    const store = servers.create(kind);
    const places = ['b', 'b:k', '}', '{x}', 'é', 'k'.repeat(500)].flatMap((name) => [
      { name, key: undefined },
      { name, key: '' },
      { name, key: 'k' },
    ]);
    for (const place of places)
      expect(await claim(store, `h${places.indexOf(place)}`, { ...place, wanted: 3 })).toMatchObject({ granted: 2 });
  });
});

describe('whatever is claimed', () => {
  const step = fc.record({
    afterMs: fc.oneof({ weight: 5, arbitrary: fc.nat(150) }, { weight: 1, arbitrary: fc.constantFrom(LEASE_MS, LEASE_MS + 1, 300) }),
    holder: fc.nat(3),
    returns: fc.nat(2),
    wanted: fc.nat(4),
    staying: fc.nat(4),
    forgets: fc.boolean(),
  });

  it.each(['memory', 'redis'] as const)('a %s store answers as the naive one, and never grants more than there are', async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { minLength: 1, maxLength: 30 }), async (limit, steps) => {
        const [store, naive] = [servers.create(kind), servers.create('naive')];
        const held = [0, 0, 0, 0];
        const claimedAt = [0, 0, 0, 0];
        for (const { afterMs, holder, returns, wanted, staying, forgets } of steps) {
          naive.now = store.now += afterMs;
          // A lease that was lost is known by its holder: it goes on with what it has, or has crashed and begins anew.
          if (forgets && store.now - claimedAt[holder]! > LEASE_MS) held[holder] = 0;
          held[holder] = Math.max(0, held[holder]! - returns);
          const what = { limit, held: held[holder], wanted, staying: Math.min(wanted, staying) };
          const expected = await claim(naive, `h${holder}`, what);
          const answer = await claim(store, `h${holder}`, what);
          expect(answer).toEqual(expected);
          held[holder] += answer.granted;
          claimedAt[holder] = store.now;
          if (answer.granted > 0) expect(answer.inUse).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: kind === 'redis' ? 60 : 300 },
    );
  });
});

describe('the permits in Redis', () => {
  it('leave no key without a time to live', async () => {
    const store = servers.create('redis');
    await claim(store, 'a', { wanted: 2 });
    await claim(store, 'b', { wanted: 2 });
    await claim(store, 'a', { held: 0 });
    const keys = await servers.server.keys();
    expect(keys.size).toBeGreaterThan(0);
    for (const ttl of keys.values()) expect(ttl).toBeGreaterThan(0);
  });

  it('of a server whose clock was ahead last no longer than a lease', async () => {
    const store = servers.create('redis');
    await claim(store, 'a', { wanted: 2 });
    store.now -= 5000; // another server has taken over
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 0, inUse: 2 });
    store.now += LEASE_MS + 1;
    expect(await claim(store, 'b', { wanted: 1 })).toMatchObject({ granted: 1, inUse: 1 });
  });
});
