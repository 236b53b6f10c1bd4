import fc from 'fast-check';
import { CircuitOpenError, policies, type CircuitBreaker, type CircuitBreakerOptions, type CircuitPermit } from '../../src/core.js';
import { CountWindow, createWindow, TimeWindow } from '../../src/policies/circuit-breaker/counting/windows.js';
import { Lab } from '../support/lab.js';
import { schedule, SCHEDULES } from './support.js';

type Step = { readonly how: 'ok' | 'fail' | 'hang'; readonly durationMs: number; readonly abortAfterMs: number | undefined };

const step: fc.Arbitrary<Step> = fc.record({
  how: fc.constantFrom('ok' as const, 'fail' as const, 'fail' as const, 'hang' as const),
  durationMs: fc.integer({ min: 0, max: 40 }),
  abortAfterMs: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 5 }),
});

/** The rule of the design in the plainest form: keep everything, count anew each time. Calls are one after the other. */
class Model {
  private results: boolean[] = [];
  private openedAt: number | undefined;

  constructor(
    private readonly size: number,
    private readonly minimum: number,
    private readonly threshold: number,
    private readonly openMs: number,
  ) {}

  admits(now: number): boolean {
    return this.openedAt === undefined || now >= this.openedAt + this.openMs;
  }

  record(failed: boolean, now: number): void {
    if (this.openedAt !== undefined) {
      this.openedAt = failed ? now : undefined;
      this.results = [];
      return;
    }
    this.results = [...this.results, failed].slice(-this.size);
    const failures = this.results.filter(Boolean).length;
    if (this.results.length < this.minimum || failures / this.results.length < this.threshold) return;
    this.openedAt = now;
    this.results = [];
  }
}

describe('whatever happens to a circuit breaker', () => {
  it('with calls one after the other it does what the plain model does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0.2, 0.25, 0.5, 0.75, 1),
        fc.integer({ min: 1, max: 100 }),
        schedule(fc.boolean(), 60),
        async (size, wanted, threshold, openMs, steps) => {
          const lab = new Lab();
          const minimum = Math.min(size, wanted);
          const policy = policies.circuitBreaker({
            window: size,
            minimumCalls: minimum,
            failureRateThreshold: threshold,
            openDuration: openMs,
          });
          const model = new Model(size, minimum, threshold, openMs);
          for (const { afterMs, step: fails } of steps) {
            await lab.clock.advance(afterMs);
            const admitted = model.admits(lab.clock.now());
            const call = lab.call(policy, fails ? 'fail' : 'ok', { name: 'op' });
            await lab.clock.settle();
            expect(call.starts.length === 1).toBe(admitted);
            if (admitted) model.record(fails, lab.clock.now());
          }
        },
      ),
      SCHEDULES,
    );
  });

  it('it always leaves half-open: after quiet and good calls it is closed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          halfOpenCalls: fc.integer({ min: 1, max: 3 }),
          successThreshold: fc.integer({ min: 1, max: 4 }),
          consecutiveFailures: fc.integer({ min: 1, max: 3 }),
        }),
        schedule(step, 80),
        async (options, steps) => {
          const lab = new Lab();
          const breaker: CircuitBreakerOptions = { name: 'b', ...options, openDuration: '50ms', halfOpenTimeout: '70ms' };
          const policy = policies.circuitBreaker(breaker);
          for (const { afterMs, step: one } of steps) {
            await lab.clock.advance(afterMs);
            const controller = new AbortController();
            if (one.abortAfterMs !== undefined) lab.clock.setTimer(() => controller.abort(new Error('gone')), one.abortAfterMs);
            lab.call(policy, one.how === 'hang' ? 'hang' : `${one.how}@${one.durationMs}`, { signal: controller.signal });
          }
          await lab.clock.advance('1s');
          for (let trial = 0; trial < 20; trial++) {
            lab.call(policy, 'ok');
            await lab.clock.advance(1);
          }
          expect(lab.resilience.circuitBreaker('b').state).toBe('closed');
        },
      ),
      SCHEDULES,
    );
  });

  it('it never lets more trials run at a time than it should', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), schedule(step, 30), async (halfOpenCalls, steps) => {
        const lab = new Lab();
        const policy = policies.circuitBreaker({
          name: 'b',
          consecutiveFailures: 1,
          openDuration: '20ms',
          halfOpenCalls,
          halfOpenTimeout: '1h',
        });
        lab.call(policy, 'fail');
        await lab.clock.advance(20);
        const breaker = lab.resilience.circuitBreaker('b');
        let running = 0;
        for (const { afterMs, step: one } of steps) {
          await lab.clock.advance(afterMs);
          if (breaker.state !== 'half-open') return;
          lab.resilience
            .execute(policy, async () => {
              running++;
              expect(running).toBeLessThanOrEqual(halfOpenCalls);
              await lab.play(`ok@${one.durationMs + 1}`);
              running--;
            })
            .catch((error: unknown) => expect(error).toBeInstanceOf(CircuitOpenError));
          await lab.clock.settle();
          expect(running).toBeLessThanOrEqual(halfOpenCalls);
        }
      }),
      SCHEDULES,
    );
  });
});

/** What somebody does to a breaker that is used by hand; `which` picks one of the permits that are out. */
type Deed = { readonly what: 'acquire' | 'success' | 'failure' | 'release' | 'lose' | 'force' | 'close' | 'lower'; readonly which: number };

const deed: fc.Arbitrary<Deed> = fc.record({
  what: fc.constantFrom<Deed['what'][]>(
    'acquire',
    'acquire',
    'acquire',
    'success',
    'failure',
    'failure',
    'release',
    'lose',
    'force',
    'close',
    'lower',
  ),
  which: fc.nat(20),
});

const openDurations: fc.Arbitrary<NonNullable<CircuitBreakerOptions['openDuration']>> = fc.constantFrom<
  NonNullable<CircuitBreakerOptions['openDuration']>[]
>(
  '50ms',
  { initial: '20ms', multiplier: 3, max: '1m' },
  () => 0,
  () => Number.NaN,
  (openings: number) => (openings - 1) * 10,
  (() => Promise.reject(new Error('late'))) as never,
  () => {
    throw new Error('no');
  },
);

const UPTIME_MS = 2 * 365 * 24 * 3_600_000 + 0.37;

/** A breaker after two years, with everything that may go wrong around it. */
async function ailing(options: CircuitBreakerOptions): Promise<{ lab: Lab; breaker: CircuitBreaker; generation: () => number }> {
  const lab = new Lab();
  await lab.clock.advance(UPTIME_MS);
  let generation = 0;
  lab.resilience.on('circuit-breaker.*', ({ type }) => {
    if (type !== 'circuit-breaker.rejected') generation++;
    if (generation % 7 === 0) return Promise.reject(new Error('a listener'));
    throw new Error('a listener');
  });
  lab.call(policies.circuitBreaker({ name: 'b', ...options }), 'ok', { name: 'op' });
  await lab.clock.settle();
  const breaker = lab.resilience.circuitBreaker('b');
  return { lab, breaker, generation: () => generation };
}

describe('whatever is done to a circuit breaker by hand', () => {
  const settings = fc.record({
    openDuration: openDurations,
    halfOpenCalls: fc.integer({ min: 1, max: 3 }),
    successThreshold: fc.integer({ min: 1, max: 4 }),
    consecutiveFailures: fc.integer({ min: 1, max: 4 }),
    halfOpenTimeout: fc.constant('70ms' as const),
  });
  const LONGEST_HOLD_MS = 3 * 70;

  it('it never has more trials out than it should, leaves half-open, and late endings of another time change nothing', async () => {
    await fc.assert(
      fc.asyncProperty(settings, schedule(deed, 80), async (options, steps) => {
        const { lab, breaker, generation } = await ailing(options);
        const out: { permit: CircuitPermit; born: number; isTrial: boolean; since: number }[] = [];
        const lost: typeof out = [];
        for (const { afterMs, step: one } of steps) {
          await lab.clock.advance(afterMs);
          if (one.what === 'acquire') {
            const permit = breaker.tryAcquire();
            if (permit === undefined) continue;
            out.push({ permit, born: generation(), isTrial: breaker.state === 'half-open', since: lab.clock.now() });
            const trials = [...out, ...lost].filter(({ isTrial, since }) => isTrial && lab.clock.now() < since + LONGEST_HOLD_MS);
            if (breaker.state === 'half-open') expect(trials.length).toBeLessThanOrEqual(options.halfOpenCalls);
          } else if (one.what === 'force') breaker.forceOpen();
          else if (one.what === 'close') breaker.close();
          else if (one.what === 'lower') lab.resilience.reconfigure('b', { circuitBreaker: { consecutiveFailures: 1 + (one.which % 3) } });
          else if (out.length > 0) {
            const [ended] = out.splice(one.which % out.length, 1) as [(typeof out)[number]];
            if (one.what === 'lose') {
              lost.push(ended);
              continue;
            }
            const before = { ...breaker.snapshot(), generation: generation() };
            ended.permit[one.what]();
            const after = { ...breaker.snapshot(), generation: generation() };
            if (ended.born !== before.generation && !(ended.isTrial && one.what === 'success')) expect(after).toEqual(before);
          }
        }
        if (breaker.state === 'forced-open') return;
        await lab.clock.advance('2m');
        for (let trial = 0; trial < 20; trial++) {
          breaker.tryAcquire()?.success();
          await lab.clock.advance(1);
        }
        expect(breaker.state).toBe('closed');
        expect(lab.clock.pendingTimers).toBe(0);
      }),
      SCHEDULES,
    );
  });
});

describe('whatever is recorded in a window', () => {
  const results = schedule(fc.record({ failed: fc.boolean(), slow: fc.boolean() }), 120);

  it('of calls, the sums are those of the last ones', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), results, (size, steps) => {
        const window = new CountWindow(size);
        const all: { failed: boolean; slow: boolean }[] = [];
        for (const { step: one } of steps) {
          window.record(one.failed, one.slow);
          all.push(one);
          const last = all.slice(-size);
          expect({ calls: window.calls, failures: window.failures, slowCalls: window.slowCalls }).toEqual({
            calls: last.length,
            failures: last.filter(({ failed }) => failed).length,
            slowCalls: last.filter(({ slow }) => slow).length,
          });
        }
      }),
      SCHEDULES,
    );
  });

  it('of time, nothing older than it counts, and everything younger than nine tenths of it does', () => {
    fc.assert(
      fc.property(fc.constantFrom(100, 250, 1000), results, (durationMs, steps) => {
        const window = new TimeWindow(durationMs);
        const all: { at: number; failed: boolean }[] = [];
        let now = 0;
        for (const { afterMs, step: one } of steps) {
          now += afterMs;
          window.record(one.failed, one.slow, { now: () => now });
          all.push({ at: now, failed: one.failed });
          const since = (age: number) => all.filter(({ at }) => at > now - age).length;
          expect(window.calls).toBeGreaterThanOrEqual(since(durationMs * 0.9));
          expect(window.calls).toBeLessThanOrEqual(all.filter(({ at }) => at >= now - durationMs).length);
          expect(window.failures).toBeLessThanOrEqual(window.calls);
        }
        window.expire({ now: () => now + durationMs });
        expect([window.calls, window.failures, window.slowCalls]).toEqual([0, 0, 0]);
      }),
      SCHEDULES,
    );
  });

  it('is made as it is wanted', () => {
    expect(createWindow({ type: 'count', size: 5 })).toBeInstanceOf(CountWindow);
    expect(createWindow({ type: 'time', durationMs: 5 })).toBeInstanceOf(TimeWindow);
    const window = new CountWindow(1);
    window.record(true, false);
    window.expire();
    expect(window.calls).toBe(1);
  });
});
