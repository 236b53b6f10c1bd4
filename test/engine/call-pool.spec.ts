import { Call } from '../../src/engine/call/call.js';
import { CallPool } from '../../src/engine/call/call-pool.js';
import { Environment } from '../../src/engine/environment.js';
import { Pipeline } from '../../src/engine/pipeline/pipeline.js';
import { FakeClock } from '../../src/testing/index.js';

function poolUnder(clock: FakeClock): { readonly pool: CallPool; readonly environment: Environment } {
  const environment = new Environment({ clock });
  return { pool: new Pipeline('op', [], environment, undefined, false).pool, environment };
}

/** So many calls are in flight at a time, and end. Gives their records. */
function inFlight(pool: CallPool, count: number): Set<Call> {
  const calls = Array.from({ length: count }, () => pool.take(undefined));
  for (const call of calls) pool.recycle(call);
  return new Set(calls);
}

describe('the records of calls', () => {
  it('are used again, as many as are in flight at a time', () => {
    const { pool } = poolUnder(new FakeClock());
    const first = inFlight(pool, 10_000);
    expect([...inFlight(pool, 10_000)].filter((call) => !first.has(call))).toEqual([]);
  });

  it('are let go of when nobody has wanted them for a while, all but a few', async () => {
    const clock = new FakeClock();
    const { pool } = poolUnder(clock);
    const first = inFlight(pool, 10_000);
    await clock.advance('10s');
    expect(clock.pendingTimers).toBe(1);
    await clock.advance('10s');
    expect([...inFlight(pool, 10_000)].filter((call) => first.has(call))).toHaveLength(256);
    await clock.advance('1m');
    expect(clock.pendingTimers).toBe(0);
  });

  it('stay for as long as they are wanted now and then', async () => {
    const clock = new FakeClock();
    const { pool } = poolUnder(clock);
    const first = inFlight(pool, 1000);
    for (let seconds = 0; seconds < 60; seconds += 5) {
      await clock.advance('5s');
      expect([...inFlight(pool, 1000)].filter((call) => !first.has(call))).toEqual([]);
    }
  });

  it('leave no timer behind a shutdown', async () => {
    const clock = new FakeClock();
    const { pool, environment } = poolUnder(clock);
    inFlight(pool, 1000);
    await environment.shutdown.drain({});
    inFlight(pool, 1000);
    expect(clock.pendingTimers).toBe(0);
  });
});
