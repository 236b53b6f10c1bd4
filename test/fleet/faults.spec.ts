import { checkHolders, checkStretches } from './checker.js';
import { FAULTS, World, type Fault } from './faults.js';
import type { Load, Plan, Seen } from './fleet.js';
import type { Ledger, Permit } from './ledger.js';

const chosen = FAULTS.filter(({ isShort }) => isShort === true || process.env['FLEET'] === 'long');
const INSTANCES = 3;
/** More than the default: a machine that is busy with other tests is no store that fails. */
const COMMAND_TIMEOUT_MS = 500;
const LEASE_MS = 2000;
const PERMITS = 6;
const LIMIT = 90;
/** What a busy machine adds to a call beside the delays of its own event loop: other processes have their turn first. */
const SLACK_MS = 150;

const limit = (name: string, more: object = {}): Load => ({
  kind: 'limit',
  name,
  limit: LIMIT,
  per: '1s',
  algorithm: 'sliding-window',
  shared: 'exact',
  perSecond: 60,
  ...more,
});

const LOADS: readonly Load[] = [
  limit('local'),
  limit('allow', { onStoreFailure: 'allow' }),
  limit('reject', { onStoreFailure: 'reject' }),
  limit('leased', { shared: 'leased', limit: 300, perSecond: 150 }),
  { kind: 'bulkhead', name: 'bulkhead', permits: PERMITS, holdMs: 20, perSecond: 100 },
  { kind: 'breaker', name: 'upstream', perSecond: 20, options: { name: 'upstream', window: '2s', openDuration: '500ms' } },
];

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const within = (permits: readonly Permit[], from: number, to: number): Permit[] =>
  permits.filter((one) => one.from >= from && one.to <= to);

/** A fleet at work, a fault that strikes and is healed, and what was written and seen meanwhile. */
async function live(fault: Fault, world: World) {
  const { fleet, redis, network, sentinel } = world;
  const store = {
    commandTimeout: COMMAND_TIMEOUT_MS,
    lease: LEASE_MS,
    ...(sentinel === undefined ? { url: network.url } : { sentinel: { sentinels: sentinel.sentinels, name: sentinel.name } }),
  };
  const control = sentinel === undefined ? redis.url : sentinel.replica.url;
  const plan = (index: number): Plan => ({
    loads: LOADS,
    store,
    control,
    ...(fault.clockOffsetMs !== undefined && index === 0 ? { clockOffsetMs: fault.clockOffsetMs } : {}),
  });
  await fleet.start(INSTANCES, plan);
  await pause(1500);
  await fleet.look();
  const times = { struck: Date.now(), healing: 0, healed: 0, end: 0 };
  await fault.strike(world);
  await pause(fault.lastsMs);
  times.healing = Date.now();
  await fault.heal?.(world);
  times.healed = Date.now();
  await pause(4500);
  times.end = Date.now();
  const seen = await fleet.stopInstances();
  return { times, seen, ledger: fleet.ledger() };
}

describe.each(chosen.map((fault) => [fault.what, fault] as const))('while %s', (_what, fault) => {
  let world: World;
  let times: { struck: number; healing: number; healed: number; end: number };
  let seen: Seen[];
  let ledger: Ledger;

  beforeAll(async () => {
    world = await World.start(fault);
    ({ times, seen, ledger } = await live(fault, world));
  });
  afterAll(() => world.end());

  const permitsOf = (name: string, from: number, to: number) =>
    within(
      ledger.permits.filter((one) => one.name === name),
      from,
      to,
    );

  it('no call hangs beyond the time limit of the store and what its policies wait', () => {
    // Whoever is stopped answers when it goes on.
    const judged = fault.stopsInstance === true ? seen.slice(1) : seen;
    for (const { slowestMs, loopDelayMs } of judged) {
      for (const [name, tookMs] of Object.entries(slowestMs)) {
        const longest = COMMAND_TIMEOUT_MS + loopDelayMs * 3 + SLACK_MS;
        expect({ name, tookMs, longest, isTooLong: tookMs > longest }).toMatchObject({ isTooLong: false });
      }
    }
  });

  it('nothing is rejected that nobody handles, and no call fails but by a policy', () => {
    expect(seen.flatMap(({ unhandled }) => unhandled)).toEqual([]);
    expect(seen.map(({ failed }) => failed)).toEqual(seen.map(() => ({})));
  });

  it('there is one warning and one event for the loss, and one event for the return', () => {
    for (const { warnings, storeEvents, loopDelayMs } of seen) {
      const told = storeEvents.filter(({ at }) => at >= times.struck).map(({ type }) => type);
      // An instance that does not come to read its answers in time takes the store for lost more often.
      const losses = loopDelayMs > COMMAND_TIMEOUT_MS / 2 ? 3 : 1;
      expect(told.filter((type) => type === 'store.unavailable').length).toBeLessThanOrEqual(losses);
      expect(warnings.length).toBeLessThanOrEqual(losses);
      if (fault.isOutage) expect(told.slice(0, 1)).toEqual(['store.unavailable']);
      if (told.length > 0) expect(told.at(-1)).toBe('store.available');
    }
  });

  if (fault.isOutage) {
    it('policies do what onStoreFailure says', () => {
      const [from, to] = [times.struck + 1200, times.healing];
      const seconds = (to - from) / 1000;
      expect(permitsOf('reject', from, to)).toEqual([]);
      expect(permitsOf('allow', from, to).length / seconds).toBeGreaterThan(LIMIT);
      const local = permitsOf('local', from, to);
      expect(local.length).toBeGreaterThan(0);
      // Divided by those that it has heard of last, and one may have been late.
      const share = LIMIT / (INSTANCES - 1);
      for (const instance of new Set(local.map(({ by }) => by))) {
        const own = local.filter(({ by }) => by === instance);
        expect(checkStretches(own, (ms) => share * (1 + ms / 1000), [250, 500, 1000])).toEqual([]);
      }
    });
  }

  it('limits are kept to the permit before it, and again after it, without a hand', () => {
    const bound = (ms: number): number => LIMIT * (1 + ms / 1000);
    for (const name of ['local', 'allow', 'reject']) {
      expect(checkStretches(permitsOf(name, 0, times.struck), bound, [100, 500, 1000, 2000])).toEqual([]);
      const after = permitsOf(name, times.healed + 2000, times.end);
      expect(checkStretches(after, bound, [100, 500, 1000, 2000])).toEqual([]);
      expect(after.length).toBeGreaterThan(((LIMIT * (times.end - times.healed - 2000)) / 1000) * 0.7);
    }
    const leased = permitsOf('leased', times.healed + 2000, times.end);
    expect(checkStretches(leased, (ms) => 300 * (1.1 + ms / 1000), [100, 500, 1000, 2000])).toEqual([]);
    expect(leased.length).toBeGreaterThan(0);
  });

  it('there are no more holders than permits before it, and again after it', () => {
    const between = (from: number, to: number) => ledger.holds.filter((hold) => hold.from >= from && hold.from <= to);
    expect(checkHolders(between(0, times.struck), PERMITS, LEASE_MS)).toEqual([]);
    const after = between(times.healed + 2000, times.end);
    expect(checkHolders(after, PERMITS, LEASE_MS)).toEqual([]);
    expect(checkHolders(after, PERMITS - 1, LEASE_MS)).not.toEqual([]);
  });

  it('no key is left behind that has no end', async () => {
    const server = world.sentinel?.replica ?? world.redis;
    expect([...(await server.keys())].filter(([, ttl]) => ttl === -1)).toEqual([]);
  });
});
