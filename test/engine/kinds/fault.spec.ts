import { of } from 'rxjs';
import { timeoutKind } from '../../../src/policies/timeout/index.js';
import { Bench, Witness, witnessed } from './bench.js';
import { faultKind } from './fault.js';

describe('a fault in place of the method', () => {
  it('counts as a failure of the method, and not as a rejection', async () => {
    const outside = new Witness();
    const bench = new Bench(witnessed(outside), [faultKind, { error: new Error('injected') }]);
    let invoked = 0;
    expect(await bench.call(() => Promise.resolve(invoked++))).toBe('failed: injected');
    expect(await bench.observe(() => of(invoked++))).toBe('failed: injected');
    expect({ invoked, told: outside.told }).toEqual({ invoked: 0, told: ['FAILURE', 'FAILURE'] });
    expect(bench.operation.pipeline.tallies.map(({ rejections, answers }) => rejections + answers)).toEqual([0, 0]);
    expect(bench.leftovers()).toEqual([]);
  });

  it('that takes its time counts as the method running where a time limit passes', async () => {
    const running: boolean[] = [];
    const outside = new Witness();
    outside.abandoned = (call) => void running.push(call.hasInvoked(1));
    const bench = new Bench([timeoutKind, { duration: 50 }], witnessed(outside), [faultKind, { latencyMs: 100 }]);
    const call = bench.call(() => Promise.resolve('late'));
    await bench.clock.advance(100);
    expect(await call).toBe('failed: op did not answer within 50 ms');
    expect(running).toEqual([true]);
    expect(bench.leftovers()).toEqual([]);
  });

  it('lets the call pass after its latency, or fails it', async () => {
    const bench = new Bench([faultKind, { latencyMs: 100 }]);
    const call = bench.call(() => Promise.resolve('late'));
    await bench.clock.advance(100);
    expect(await call).toBe('late');
    expect(bench.leftovers()).toEqual([]);
  });
});
