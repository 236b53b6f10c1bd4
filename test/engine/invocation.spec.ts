import { policies } from '../../src/core.js';
import type { Call } from '../../src/engine/call/call.js';
import { Environment } from '../../src/engine/environment.js';
import { PromiseDriver } from '../../src/engine/drivers/promise.js';
import { Pipeline } from '../../src/engine/pipeline/pipeline.js';
import type { Strategy } from '../../src/engine/contract/strategy.js';
import { FakeClock } from '../../src/testing/index.js';
import { Lab } from '../support/lab.js';

/** A layer that notes what it is shown of the method when it is told of an end. */
class Onlooker implements Strategy {
  readonly kind = 'onlooker';
  readonly seen: [invoked: boolean, at: number][] = [];

  constructor(
    readonly name: string,
    private readonly wantsTime: boolean,
  ) {}

  readonly admit = (call: Call, layer: number): undefined => {
    if (this.wantsTime) call.clockInvocation(layer);
  };

  readonly succeeded = (call: Call, layer: number): undefined => this.look(call, layer);
  readonly failed = (call: Call, layer: number): undefined => this.look(call, layer);

  private look(call: Call, layer: number): undefined {
    this.seen.push([call.hasInvoked(layer), call.invokedAt]);
  }
}

/** Begins one more attempt after a failure. */
const again = (delayMs: number): Strategy => ({
  kind: 'again',
  name: 'again',
  failed: (call) => (call.attempt < 2 ? delayMs : undefined),
});

/** Rejects every attempt but the first. */
const once: Strategy = { kind: 'once', name: 'once', admit: (call) => (call.attempt > 1 ? new Error('no') : undefined) };

async function run(clock: FakeClock, layers: readonly Strategy[], method: () => Promise<unknown>): Promise<void> {
  const pipeline = new Pipeline('op', layers, new Environment({ clock }), undefined, false);
  const driver = new PromiseDriver(pipeline, undefined);
  const ended = driver.start(driver.take(0, undefined, undefined, undefined), undefined, method, undefined).catch(() => undefined);
  await clock.advance('1s');
  await ended;
}

describe('the call of the method, as layers see it', () => {
  it('is seen at the end of the attempt, with its time where a layer asked for that', async () => {
    const clock = new FakeClock();
    await clock.advance(5);
    const [plain, timing] = [new Onlooker('plain', false), new Onlooker('timing', true)];
    await run(clock, [plain], () => Promise.resolve(1));
    await run(clock, [timing], () => Promise.resolve(1));
    expect(plain.seen).toEqual([[true, Number.NaN]]);
    expect(timing.seen).toEqual([[true, 1005]]);
  });

  it('is not seen by a layer whose attempt was rejected inside, and is by one that let an earlier attempt pass', async () => {
    const clock = new FakeClock();
    const [outside, inside] = [new Onlooker('outside', true), new Onlooker('inside', true)];
    await run(clock, [outside, again(10), inside, once], () => Promise.reject(new Error('x')));
    expect(inside.seen).toEqual([
      [true, 0],
      [false, 0],
    ]);
    expect(outside.seen).toEqual([[true, 0]]);
  });

  it('has the time of its own attempt for a layer inside of what repeats', async () => {
    const clock = new FakeClock();
    const inside = new Onlooker('inside', true);
    await run(clock, [again(10), inside], () => Promise.reject(new Error('x')));
    expect(inside.seen).toEqual([
      [true, 0],
      [true, 10],
    ]);
  });
});

describe('a timeout says where the call waited', () => {
  it.each([
    [
      'in the queue of a bulkhead',
      policies.combine(policies.timeout('1s'), policies.bulkhead({ name: 'x', maxConcurrent: 1, maxQueue: 5 })),
      'the queue of bulkhead "x"',
    ],
    [
      'for a permit of a rate limit',
      policies.combine(policies.timeout({ total: '1s' }), policies.rateLimit({ name: 'y', limit: 1, per: '1m', maxWait: '5m' })),
      'the line for a permit of rate limit "y"',
    ],
  ])('%s', async (_where, policy, words) => {
    const lab = new Lab();
    lab.call(policy, 'hang', { name: 'op' });
    const second = lab.call(policy, 'ok', { name: 'op' });
    await lab.clock.advance('1s');
    expect((second.error as Error).message).toContain(`: it waited in ${words}`);
  });

  it('in a pause between attempts', async () => {
    const lab = new Lab();
    const policy = policies.combine(policies.timeout({ total: '1s' }), policies.retry({ backoff: '1m' }));
    const call = lab.call(policy, 'fail', { name: 'op' });
    await lab.clock.advance('1s');
    expect((call.error as Error).message).toBe('op took longer than 1 s in total: it waited in the pause before another attempt');
  });

  it('and nothing of the kind where the method was running', async () => {
    const lab = new Lab();
    const call = lab.call(policies.timeout('1s'), 'hang', { name: 'op' });
    await lab.clock.advance('1s');
    expect((call.error as Error).message).toBe('op did not answer within 1 s');
  });
});
