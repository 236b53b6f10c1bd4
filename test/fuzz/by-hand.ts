import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { createResilience, ResilienceConfigError, type BulkheadPermit, type CircuitPermit } from '../../src/core.js';
import { FakeClock } from '../../src/testing/index.js';

const key = fc.constantFrom(undefined, 'a', 'b', 'c', 'd');
const abortMs = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 2 });

/** What a user does with permits that are taken by hand. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('enter' as const), key, abortMs, priority: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), index: fc.nat(20), isTwice: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('take' as const), abortMs, cost: fc.constantFrom(1, 1, 2, 0.5), mayWait: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('try' as const), key, ending: fc.constantFrom('success', 'failure', 'release', 'keep') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reconfigure' as const),
      what: fc.constantFrom(
        { name: 'b', kind: 'bulkhead', option: 'maxConcurrent' } as const,
        { name: 'b', kind: 'bulkhead', option: 'maxQueue' } as const,
        { name: 'b', kind: 'bulkhead', option: 'queueTimeout' } as const,
        { name: 'l', kind: 'rateLimit', option: 'limit' } as const,
        { name: 'l', kind: 'rateLimit', option: 'per' } as const,
        { name: 'l', kind: 'rateLimit', option: 'maxWait' } as const,
        { name: 'c', kind: 'circuitBreaker', option: 'consecutiveFailures' } as const,
        { name: 'c', kind: 'circuitBreaker', option: 'openDuration' } as const,
      ),
      to: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const), timeout: fc.constantFrom(0, 10, 100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('force' as const), key, how: fc.constantFrom('forceOpen', 'close', 'reset') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 40 }) }) },
);

export const byHand = fc.record({
  maxConcurrent: fc.integer({ min: 1, max: 3 }),
  maxQueue: fc.integer({ min: 1, max: 4 }),
  queueTimeout: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const),
  algorithm: fc.constantFrom('token-bucket' as const, 'fixed-window' as const, 'sliding-window' as const, 'leaky-bucket' as const),
  limit: fc.integer({ min: 2, max: 5 }),
  maxWait: fc.integer({ min: 0, max: 200 }),
  /** Few keys: some are forgotten, and what a forgotten one may is not known from outside. */
  maxKeys: fc.constantFrom(2, 100),
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
});

export type ByHand = typeof byHand extends fc.Arbitrary<infer Value> ? Value : never;

/** The time of a limit, at first, and for each step of a change. */
const PER_MS = 50;

/** Plays a plan against plain models of a bulkhead and a limiter; gives what did not hold. */
export async function playByHand(plan: ByHand): Promise<readonly string[]> {
  const { maxConcurrent, maxQueue, queueTimeout, overflow, algorithm, limit, maxWait, maxKeys } = plan;
  const clock = new FakeClock();
  const resilience = createResilience({ clock, logger: { warn: () => undefined, error: () => undefined } });
  const problems: string[] = [];
  const bulkhead = resilience.bulkhead('b', {
    maxConcurrent,
    maxQueue,
    overflow,
    maxKeys,
    ...(queueTimeout === undefined ? {} : { queueTimeout }),
  });
  const limiter = resilience.rateLimiter('l', { limit, per: PER_MS, algorithm, maxWait });
  const breaker = resilience.circuitBreaker('c', { consecutiveFailures: 2, openDuration: 20, maxKeys });
  const controllers: AbortController[] = [];
  const held: { readonly permit: BulkheadPermit; readonly key: string | undefined }[] = [];
  const kept: CircuitPermit[] = [];
  const granted: { readonly at: number; readonly cost: number; readonly turn: number }[] = [];
  const calls = { begun: 0, ended: 0, drains: 0, drained: 0 };
  let [turn, places, highest] = [0, maxConcurrent, limit];
  const end = (): void => void calls.ended++;
  const signalOf = (afterMs: number | undefined): AbortSignal => {
    const controller = new AbortController();
    controllers.push(controller);
    if (afterMs !== undefined) clock.setTimer(() => controller.abort(new Error('gone')), afterMs);
    return controller.signal;
  };
  for (const one of plan.steps) {
    switch (one.do) {
      case 'advance':
        await clock.advance(one.ms);
        break;
      case 'enter':
        calls.begun++;
        bulkhead.acquire({ key: one.key, priority: one.priority, signal: signalOf(one.abortMs) }).then((permit) => {
          held.push({ permit, key: one.key });
          const inside = held.filter((other) => other.key === one.key).length;
          if (maxKeys === 100 && inside > places) problems.push(`${inside} permits of a bulkhead where ${places} may be out`);
          end();
        }, end);
        break;
      case 'leave': {
        const [left] = held.splice(one.index % Math.max(1, held.length), 1);
        left?.permit.release();
        if (one.isTwice) left?.permit.release();
        break;
      }
      case 'resize':
        // Who was let in is told a moment later. Who is inside stays: the model looks at newcomers only.
        await clock.settle();
        places = one.to;
        bulkhead.resize(one.to);
        break;
      case 'reconfigure': {
        const { name, kind, option } = one.what;
        await clock.settle();
        const to = option === 'per' ? one.to * PER_MS : one.to;
        try {
          resilience.reconfigure(name, { [kind]: { [option]: to } });
        } catch (error) {
          // A leaky bucket has no time to wait that is set; all others must go.
          if (!(error instanceof ResilienceConfigError)) throw error;
          break;
        }
        if (option === 'maxConcurrent') places = to;
        if (option === 'limit') highest = Math.max(highest, to);
        break;
      }
      case 'drain':
        resilience.drain({ timeout: one.timeout }).then(
          () => calls.drained++,
          () => problems.push('a drain failed'),
        );
        calls.drains++;
        break;
      case 'take': {
        const mine = turn++;
        if (one.mayWait) {
          calls.begun++;
          limiter.acquire({ cost: one.cost, signal: signalOf(one.abortMs) }).then(() => {
            granted.push({ at: clock.now(), cost: one.cost, turn: mine });
            end();
          }, end);
        } else {
          const isWaiting = limiter.waiting > 0;
          if (!limiter.tryAcquire({ cost: one.cost })) break;
          if (isWaiting) problems.push('tryAcquire overtook those who wait');
          granted.push({ at: clock.now(), cost: one.cost, turn: mine });
        }
        break;
      }
      case 'try': {
        const permit = breaker.tryAcquire(one.key);
        if (permit !== undefined && one.ending === 'keep') kept.push(permit);
        else if (one.ending === 'failure') permit?.failure(new Error('no'));
        else if (one.ending === 'success') permit?.success();
        else permit?.release();
        break;
      }
      case 'force':
        breaker[one.how as 'close'](one.key);
    }
  }
  for (let round = 0; round < 100 && (calls.ended < calls.begun || held.length > 0); round++) {
    await clock.advance(1000);
    held.splice(0).forEach(({ permit }) => permit.release());
  }
  kept.forEach((permit) => permit.failure(new Error('late')));
  await clock.advance(100_000);
  if (calls.ended !== calls.begun) problems.push(`${calls.begun - calls.ended} of ${calls.begun} who asked were never answered`);
  if (calls.drained !== calls.drains) problems.push(`${calls.drains - calls.drained} of ${calls.drains} drains did not end`);
  if (bulkhead.running !== 0 || bulkhead.queued !== 0)
    problems.push(`a bulkhead at rest has ${bulkhead.running} running and ${bulkhead.queued} queued`);
  if (limiter.waiting !== 0) problems.push(`a limiter at rest has ${limiter.waiting} waiting`);
  if (clock.pendingTimers > 0) problems.push(`${clock.pendingTimers} timers are left`);
  if (controllers.some(({ signal }) => getEventListeners(signal, 'abort').length > 0)) problems.push('a signal keeps a listener');
  problems.push(...tooMany(granted, algorithm, highest));
  for (const name of ['a', 'b', 'c', 'd']) {
    for (let trial = 0; trial < 5 && ['open', 'half-open'].includes(breaker.stateOf(name)); trial++) {
      await clock.advance(1000);
      breaker.tryAcquire(name)?.success();
    }
    if (['open', 'half-open'].includes(breaker.stateOf(name))) problems.push(`the breaker of ${name} stays ${breaker.stateOf(name)}`);
  }
  void resilience.close();
  return problems;
}

/** The most that may start within any stretch of time, by the meaning of each algorithm. */
function tooMany(granted: readonly { readonly at: number; readonly cost: number }[], algorithm: string, limit: number): readonly string[] {
  for (const [index, first] of granted.entries()) {
    let sum = 0;
    for (const { at, cost } of granted.slice(index)) {
      sum += cost;
      const stretch = at - first.at;
      const windows = Math.floor(stretch / PER_MS) + 2;
      const most = algorithm === 'token-bucket' ? limit + (stretch * limit) / PER_MS : windows * limit;
      if (algorithm !== 'leaky-bucket' && sum > most + 1e-6)
        return [`${sum} permits of a ${algorithm} in ${stretch} ms, where ${most} may start`];
    }
  }
  return [];
}
