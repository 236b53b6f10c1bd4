import { startRedis, type RedisServer } from '../support/redis/index.js';
import { checkHolders, checkStretches, checkTrials, checkWindows, trialsByPeriod } from './checker.js';
import { Fleet, type Load, type Seen } from './fleet.js';
import type { Ledger } from './ledger.js';

/** `npm run test:fleet` is long; the suite has a short one. */
const IS_LONG = process.env['FLEET'] === 'long';
const INSTANCES = IS_LONG ? 8 : 4;
const SECONDS = IS_LONG ? 30 : 10;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A limit of the fleet, what it may give in a stretch of time, and how much of it must be given to a fleet that asks for more. */
interface Limit {
  readonly options: Readonly<Record<string, unknown>> & { readonly name: string; readonly limit: number };
  readonly perMs: number;
  /** Of the whole fleet. */
  readonly asksPerSecond: number;
  readonly allowed: (ms: number) => number;
  /** Windows that begin at multiples of the period. */
  readonly isAligned?: boolean;
}

const overSliding = (limit: number, perMs: number) => (ms: number) => limit * (1 + ms / perMs);

const LIMITS: readonly Limit[] = [
  {
    options: { name: 'token', limit: 100, per: '1s', algorithm: 'token-bucket', shared: 'exact' },
    perMs: 1000,
    asksPerSecond: 250,
    allowed: (ms) => 100 + ms / 10,
  },
  {
    options: { name: 'sliding', limit: 100, per: '1s', algorithm: 'sliding-window', shared: 'exact' },
    perMs: 1000,
    asksPerSecond: 250,
    allowed: overSliding(100, 1000),
    isAligned: true,
  },
  {
    options: { name: 'fixed', limit: 50, per: '500ms', algorithm: 'fixed-window', shared: true },
    perMs: 500,
    asksPerSecond: 250,
    allowed: (ms) => 50 * (Math.floor(ms / 500) + 2),
  },
  {
    options: { name: 'leaky', limit: 50, per: '1s', algorithm: 'leaky-bucket', shared: 'exact', maxWait: '200ms' },
    perMs: 1000,
    asksPerSecond: 80,
    allowed: (ms) => 1 + ms / 20,
  },
  {
    options: { name: 'leased', limit: 400, per: '1s', algorithm: 'token-bucket', shared: 'leased' },
    perMs: 1000,
    asksPerSecond: 800,
    // At most a tenth of the limit beyond it.
    allowed: (ms) => 400 * 1.1 + ms * 0.4,
  },
  {
    options: { name: 'leased-window', limit: 400, per: '1s', algorithm: 'sliding-window', shared: 'leased' },
    perMs: 1000,
    asksPerSecond: 800,
    allowed: (ms) => 400 * 1.1 + ms * 0.4,
  },
];

const PERMITS = 6;
const TRIALS = 3;

describe(`a fleet of ${INSTANCES} instances for ${SECONDS} seconds`, () => {
  const fleet = new Fleet();
  let redis: RedisServer;
  let ledger: Ledger;
  let ends: Seen[];
  let outage: { readonly from: number; readonly to: number };
  const began = { at: 0 };

  beforeAll(async () => {
    redis = await startRedis();
    const loads: Load[] = [
      ...LIMITS.map(({ options, asksPerSecond }) => ({ kind: 'limit' as const, ...options, perSecond: asksPerSecond / INSTANCES })),
      { kind: 'bulkhead', name: 'bulkhead', permits: PERMITS, holdMs: 25, maxQueue: 5, queueTimeout: '500ms', perSecond: 400 / INSTANCES },
      {
        kind: 'breaker',
        name: 'upstream',
        perSecond: 160 / INSTANCES,
        options: { name: 'upstream', window: '2s', minimumCalls: 10, openDuration: '600ms', halfOpenCalls: TRIALS, halfOpenTimeout: '2s' },
      },
    ];
    // A busy machine must not make instances decide by themselves: what they do without the store is for faults.spec.ts to say.
    await fleet.start(INSTANCES, () => ({ loads, store: { url: redis.url, commandTimeout: '2s' }, control: redis.url }));
    began.at = Date.now();
    await pause((SECONDS * 1000) / 4);
    await fleet.upstreamIs({ isWell: false, takesMs: 150 });
    await pause((SECONDS * 1000) / 2);
    const endedAt = Date.now();
    await fleet.upstreamIs({ isWell: true, takesMs: 5 });
    await pause((SECONDS * 1000) / 4);
    ends = await fleet.stopInstances();
    ledger = fleet.ledger();
    // From the moment at which the last of them has heard that the circuit is open.
    const opened = ends.map(({ transitions }) => transitions.find(({ type }) => type === 'circuit-breaker.opened')!.at);
    outage = { from: Math.max(...opened), to: endedAt };
  });

  afterAll(async () => {
    await fleet.end();
    await redis.stop();
  });

  const permitsOf = (name: string) => ledger.permits.filter((permit) => permit.name === name);

  it.each(LIMITS.map((limit) => [limit.options.name, limit] as const))('gives no more than the limit says: %s', (name, limit) => {
    const permits = permitsOf(name);
    const { perMs, allowed, isAligned = false } = limit;
    expect(checkStretches(permits, allowed, [perMs / 10, perMs / 2, perMs, 2 * perMs, 5 * perMs])).toEqual([]);
    if (isAligned) expect(checkWindows(permits, perMs, limit.options.limit)).toEqual([]);
    // Nobody keeps a limit by giving nothing.
    const perSecond = (limit.options.limit * 1000) / perMs;
    expect(permits.length / (perSecond * SECONDS)).toBeGreaterThan(0.5); // a busy machine asks for less than it was to
    expect(new Set(permits.map(({ by }) => by)).size).toBe(INSTANCES);
  });

  it('has never more holders than permits, and as many', () => {
    expect(checkHolders(ledger.holds, PERMITS, 0)).toEqual([]);
    expect(checkHolders(ledger.holds, PERMITS - 1, 0)).not.toEqual([]);
    expect(new Set(ledger.holds.map(({ by }) => by)).size).toBe(INSTANCES);
  });

  it('has exactly halfOpenCalls trials in every half-open period of an outage', () => {
    const during = ledger.arrivals.filter(({ from }) => from > outage.from && from < outage.to - 500);
    expect(trialsByPeriod(during, 300).length).toBeGreaterThan(IS_LONG ? 10 : 1);
    expect(checkTrials(during, 300, TRIALS)).toEqual([]);
  });

  it('calls again when the upstream is well', () => {
    const after = ledger.arrivals.filter(({ from, isWell }) => isWell && from > outage.to + 1500);
    expect(after.length).toBeGreaterThan(SECONDS);
  });

  it('has no rejection that nobody handled, no warning and no call that failed by itself', () => {
    expect(ends.flatMap(({ unhandled, warnings }) => [...unhandled, ...warnings])).toEqual([]);
    expect(ends.map(({ failed }) => failed)).toEqual(ends.map(() => ({})));
  });

  it('leaves no key behind that has no end', async () => {
    const keys = await redis.keys();
    expect([...keys].filter(([, ttl]) => ttl === -1)).toEqual([]);
  });

  it('has ended by itself, and given back what it held', async () => {
    // stopInstances waited for the exits. A permit that was not given back would be taken for a lease.
    const next = await fleet.add(
      {
        loads: [{ kind: 'bulkhead', name: 'bulkhead', permits: PERMITS, holdMs: 1000, perSecond: 100 }],
        store: { url: redis.url },
        control: redis.url,
      },
      1,
    );
    await pause(600);
    await next.stop();
    fleet.instances.splice(0);
    const first = fleet.ledger().holds.filter(({ by }) => by === next.name);
    expect(first.length).toBeGreaterThanOrEqual(PERMITS);
  });
});
