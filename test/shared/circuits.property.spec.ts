import fc from 'fast-check';
import { CircuitOpenError, policies, type CircuitBreakerOptions } from '../../src/core.js';
import type { CircuitRecord, CircuitStore } from '../../src/policies/circuit-breaker/shared/circuit-store.js';
import { FakeClock } from '../../src/testing/index.js';
import { Lab } from '../support/lab.js';
import { BACKENDS, CircuitFleet } from './circuit-fleet.js';
import { startServer, stopServer } from './redis-port.js';

beforeAll(startServer);
afterAll(stopServer);

/** Names that a store may be given: the n-th generation or lease of a run. */
const value = (kind: string, number: number): string => `${kind}${number}`.padEnd(16, '.');

const judgement = fc.record({
  window: fc.oneof(
    fc.record({ type: fc.constant('count' as const), size: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ type: fc.constant('time' as const), durationMs: fc.constantFrom(1000, 1500) }),
  ),
  minimumCalls: fc.integer({ min: 1, max: 4 }),
  usesRates: fc.boolean(),
  failureRateThreshold: fc.constantFrom(0.25, 0.5, 1),
  slowCallRateThreshold: fc.constantFrom(0.5, 1),
  consecutiveFailures: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
});

const call = fc.record({ failed: fc.boolean(), slow: fc.boolean(), ageMs: fc.constantFrom(0, 90, 400, 1600) });
const circuit = fc.constantFrom('a', 'b');
/** Which of the generations that were given so far: 0 the newest; -1 none. */
const back = fc.integer({ min: -1, max: 3 });

type Calls = readonly { readonly failed: boolean; readonly slow: boolean; readonly ageMs: number }[];

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('merge' as const),
      circuit,
      back: fc.constantFrom(0, 0, 0, 1, -1),
      calls: fc.array(call, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('trial' as const), circuit, asks: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('conclude' as const),
      circuit,
      back,
      lease: fc.integer({ min: 0, max: 3 }),
      passed: fc.constantFrom(true, false, undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('command' as const),
      circuit,
      state: fc.constantFrom('closed' as const, 'forced-open' as const, 'metrics-only' as const, 'disabled' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), circuit, back }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('changes' as const), back: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 499, 500, 1000) }) },
);

describe('whatever is asked of a store of circuits', () => {
  it('Redis, the memory store and a plain model answer alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        judgement,
        fc.record({ halfOpenCalls: fc.integer({ min: 1, max: 3 }), successThreshold: fc.integer({ min: 1, max: 3 }) }),
        fc.array(step, { maxLength: 40 }),
        async (judged, { halfOpenCalls, successThreshold }, steps) => {
          const clock = new FakeClock();
          const backends = Object.values(BACKENDS).map((factory) => factory(clock));
          const stores = backends.map((backend) => backend.open('instance'));
          let counter = 0;
          const given: string[] = [];
          const next = (): string => {
            given.unshift(value('g', ++counter));
            return given[0]!;
          };
          const versions: number[] = [0];
          let sequence = 0;
          let lastMerge: ((store: CircuitStore) => Promise<unknown>) | undefined;
          const current = new Map<string, CircuitRecord>();
          const act = (one: (typeof steps)[number]): ((store: CircuitStore) => Promise<unknown>) => {
            const idOf = (store: CircuitStore, name: string): string => store.idOf(name, undefined);
            const generationOf = (name: string, how: number): string =>
              how === -1 ? '' : how === 0 ? (current.get(name)?.generation ?? '') : (given[how] ?? '');
            if (one.do === 'merge') {
              const nextGeneration = next();
              const generation = generationOf(one.circuit, one.back);
              const number = ++sequence;
              const runs = runsOf(one.calls);
              const batch = {
                generation,
                state: 'closed' as const,
                nextGeneration,
                judgement: judged,
                openMs: 700,
                idleMs: 60_000,
                countedForMs: 500,
                ...runs,
              };
              lastMerge = (store) => store.merge(number, [{ id: idOf(store, one.circuit), ...batch }]);
              return lastMerge;
            }
            if (one.do === 'again') return lastMerge ?? (() => Promise.resolve());
            if (one.do === 'trial') {
              const nextGeneration = next();
              const lease = one.asks ? value('l', ++counter) : undefined;
              return (store) =>
                store.trial({ id: idOf(store, one.circuit), nextGeneration, lease, leaseMs: 800, halfOpenCalls, successThreshold });
            }
            if (one.do === 'conclude') {
              const nextGeneration = next();
              const generation = generationOf(one.circuit, one.back);
              const lease = value('l', Math.max(1, counter - one.lease));
              return (store) =>
                store.conclude({
                  id: idOf(store, one.circuit),
                  generation,
                  lease,
                  passed: one.passed,
                  nextGeneration,
                  successThreshold,
                  openMs: 600,
                });
            }
            if (one.do === 'command') {
              const nextGeneration = next();
              return (store) => store.command({ id: idOf(store, one.circuit), state: one.state, nextGeneration });
            }
            if (one.do === 'restore') {
              const generation = next();
              const record: CircuitRecord = {
                state: 'open',
                generation,
                previous: generationOf(one.circuit, one.back),
                version: 7,
                remainingMs: 300,
                openForMs: 40,
                openings: 2,
                firstOpenMs: 700,
                successes: 0,
                judged: { calls: 4, failures: 3, slowCalls: 1 },
              };
              return (store) => store.restore(idOf(store, one.circuit), record);
            }
            const since = versions[Math.max(0, versions.length - 1 - (one.do === 'changes' ? one.back : 0))]!;
            return async (store) => {
              const { version, changed } = await store.changes(since);
              return { version, changed: changed && ['a', 'b'].map((name) => changed.get(idOf(store, name))) };
            };
          };
          for (const one of steps) {
            if (one.do === 'wait') {
              await clock.advance(one.ms);
              continue;
            }
            const run = act(one);
            const answers = await Promise.all(stores.map(run));
            expect(answers[0]).toEqual(answers[1]);
            expect(answers[2]).toEqual(answers[1]);
            const states = await Promise.all(stores.map((store) => store.read(['a', 'b'].map((name) => store.idOf(name, undefined)))));
            expect(states[0]).toEqual(states[1]);
            expect(states[2]).toEqual(states[1]);
            states[1]!.forEach((record, index) => record && current.set(['a', 'b'][index]!, record));
            versions.push(...states[1]!.flatMap((record) => (record === undefined ? [] : [record.version])));
          }
          for (const backend of backends) await backend.clear();
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Calls as an instance tells of them: for a count window in order, and how failures follow each other. */
function runsOf(calls: Calls) {
  const failures = calls.map(({ failed }) => failed);
  const first = failures.indexOf(false);
  const trailing = failures.length - 1 - failures.lastIndexOf(false);
  const longest = Math.max(
    ...failures
      .map((_, from) => failures.slice(from).findIndex((failed) => !failed))
      .map((run, from) => (run < 0 ? failures.length - from : run)),
  );
  return {
    runs: calls.map(({ failed, slow, ageMs }) => ({ calls: 1, failures: Number(failed), slowCalls: Number(slow), ageMs })),
    failureRuns: { leading: first < 0 ? failures.length : first, longest, trailing: first < 0 ? failures.length : trailing },
  };
}

describe('whatever happens to a shared circuit breaker', () => {
  it('one instance alone does what a local breaker does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('redis' as const, 'memory' as const),
        fc.record({
          window: fc.constantFrom<number | '5s'>(1, 3, 6, '5s'),
          wanted: fc.integer({ min: 1, max: 4 }),
          failureRateThreshold: fc.constantFrom(0.25, 0.5, 0.75, 1),
          halfOpenCalls: fc.integer({ min: 1, max: 2 }),
          successThreshold: fc.integer({ min: 1, max: 3 }),
          openDuration: fc.constantFrom(600, 1300, { initial: 700, multiplier: 2, max: 2000 }),
          consecutiveFailures: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        }),
        fc.array(fc.record({ fails: fc.boolean(), tookMs: fc.constantFrom(0, 30), afterMs: fc.constantFrom(750, 800, 1500) }), {
          maxLength: 25,
        }),
        // No pause ends between an opening of the one and that of the other, up to a round later.
        async (kind, { wanted, consecutiveFailures, ...rest }, steps) => {
          const minimumCalls = typeof rest.window === 'number' ? Math.min(wanted, rest.window) : wanted;
          const options: CircuitBreakerOptions = {
            name: 'op',
            minimumCalls,
            slowCallDuration: '20ms',
            slowCallRateThreshold: 0.6,
            ...rest,
            ...(consecutiveFailures === undefined ? {} : { consecutiveFailures }),
          };
          const local = new Lab();
          const fleet = new CircuitFleet(BACKENDS[kind]);
          fleet.start().resilience.declare('call', policies.circuitBreaker({ ...options, shared: true }));
          local.resilience.declare('call', policies.circuitBreaker(options));
          for (const { fails, tookMs, afterMs } of steps) {
            await Promise.all([local.clock.advance(afterMs), fleet.advance(afterMs)]);
            const script = `${fails ? 'fail' : 'ok'}@${tookMs}`;
            const alone = local.call(policies.circuitBreaker(options), script);
            const shared = fleet.labs[0]!.call(policies.circuitBreaker({ ...options, shared: true }), script);
            // A call and a round: what the store alone can see (calls that leave a count window) opens the circuit then, and not at once.
            await Promise.all([local.clock.advance(140), fleet.advance(140)]);
            expect(shared.error instanceof CircuitOpenError).toBe(alone.error instanceof CircuitOpenError);
            expect(fleet.states('op')[0]).toBe(local.resilience.circuitBreaker('op').state);
          }
          await fleet.end();
        },
      ),
      { numRuns: Number(process.env['SCHEDULES'] ?? 60) },
    );
  });

  it('exactly halfOpenCalls trials get a verdict in a half-open period that closes, and never more are under way in the whole fleet', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('redis' as const, 'memory' as const),
        fc.integer({ min: 1, max: 3 }),
        fc.array(
          fc.record({
            instance: fc.integer({ min: 0, max: 2 }),
            script: fc.constantFrom('ok', 'ok@30', 'ok@200', 'fail@10', 'fail', 'hang', 'ok@30'),
            abortAfterMs: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 8 }),
            afterMs: fc.constantFrom(0, 0, 5, 60, 300),
          }),
          { minLength: 10, maxLength: 50 },
        ),
        async (kind, halfOpenCalls, steps) => {
          const fleet = new CircuitFleet(BACKENDS[kind]);
          const policy = policies.circuitBreaker({
            name: 'op',
            shared: true,
            consecutiveFailures: 1,
            openDuration: 100,
            halfOpenCalls,
            halfOpenTimeout: 250,
          });
          for (let index = 0; index < 3; index++) fleet.start().resilience.declare('call', policy);
          await fleet.settle();
          const underWay = (): number => {
            const running = [...fleet.leases.values()].filter(({ passed }) => passed === undefined);
            return Math.max(0, ...running.map(({ generation }) => running.filter((one) => one.generation === generation).length));
          };
          for (const { instance, script, abortAfterMs, afterMs } of steps) {
            await fleet.advance(afterMs);
            const controller = new AbortController();
            if (abortAfterMs !== undefined) fleet.clock.setTimer(() => controller.abort(), abortAfterMs);
            fleet.labs[instance]!.call(policy, script, { signal: controller.signal });
            await fleet.settle();
            expect(underWay()).toBeLessThanOrEqual(halfOpenCalls);
          }
          const periods = new Map<string, (boolean | 'given back' | undefined)[]>();
          for (const { generation, passed } of fleet.leases.values()) periods.set(generation, [...(periods.get(generation) ?? []), passed]);
          const over = [...periods.values()].slice(0, -1); // the last one may go on
          for (const trials of over) {
            const verdicts = trials.filter((passed) => typeof passed === 'boolean');
            if (verdicts.includes(false)) expect(verdicts.length).toBeLessThanOrEqual(halfOpenCalls);
            else expect(verdicts).toEqual(Array(halfOpenCalls).fill(true));
          }
          await fleet.end();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('it always leaves half-open: after quiet and good calls it is closed everywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('redis' as const, 'memory' as const),
        fc.array(
          fc.record({
            instance: fc.integer({ min: 0, max: 1 }),
            what: fc.constantFrom('ok@20', 'fail', 'fail@30', 'hang', 'cut', 'back', 'deaf', 'clear'),
            afterMs: fc.constantFrom(0, 20, 120, 400),
          }),
          { maxLength: 30 },
        ),
        async (kind, steps) => {
          const fleet = new CircuitFleet(BACKENDS[kind]);
          const policy = policies.circuitBreaker({
            name: 'op',
            shared: true,
            consecutiveFailures: 2,
            openDuration: 150,
            halfOpenTimeout: 200,
          });
          for (let index = 0; index < 2; index++) fleet.start().resilience.declare('call', policy);
          for (const { instance, what, afterMs } of steps) {
            await fleet.advance(afterMs);
            if (what === 'cut' || what === 'back') await fleet.cut(instance, what === 'cut');
            else if (what === 'deaf') fleet.wires[instance]!.isDeaf = !fleet.wires[instance]!.isDeaf;
            else if (what === 'clear') await fleet.backend.clear();
            else fleet.labs[instance]!.call(policy, what);
            await fleet.settle();
          }
          for (const index of [0, 1]) await fleet.cut(index, false);
          await fleet.advance(7000); // whatever was lost is written back by then
          for (let call = 0; call < 6; call++) {
            fleet.labs[call % 2]!.call(policy, 'ok');
            await fleet.advance(300);
          }
          expect(fleet.states('op')).toEqual(['closed', 'closed']);
          await fleet.end();
          expect(fleet.clock.pendingTimers).toBeLessThanOrEqual(steps.length); // of calls that hang
        },
      ),
      { numRuns: 60 },
    );
  });
});
