import type { Clock } from '../../src/engine/clock.js';
import { Deadline, TimerQueue } from '../../src/engine/waiting/timer-queue.js';
import { FakeClock } from '../../src/testing/index.js';

describe('a timer queue', () => {
  const make = () => {
    const clock = new FakeClock();
    const queue = new TimerQueue(clock);
    const fired: string[] = [];
    const arm = (name: string, ms: number): Deadline => {
      const deadline = new Deadline({ expired: () => void fired.push(`${name}@${clock.now()}`) }, 0);
      queue.arm(deadline, ms, clock.now());
      return deadline;
    };
    return { clock, queue, fired, arm };
  };

  it('fires each deadline at its time, in order', async () => {
    const { clock, fired, arm } = make();
    arm('a', 100);
    await clock.advance(30);
    arm('b', 100);
    arm('c', 50);
    await clock.advance(200);
    expect(fired).toEqual(['c@80', 'a@100', 'b@130']);
  });

  it('sets one timer a duration, however many deadlines there are', () => {
    const { clock, arm } = make();
    for (let index = 0; index < 1000; index++) arm('x', 100);
    arm('y', 200);
    expect(clock.pendingTimers).toBe(2);
  });

  it('never fires what was disarmed, and keeps no timer for it', async () => {
    const { clock, queue, fired, arm } = make();
    const [first, middle, last] = [arm('a', 100), arm('b', 100), arm('c', 100)];
    queue.disarm(middle);
    queue.disarm(middle);
    queue.disarm(first);
    queue.disarm(last);
    await clock.advance(500);
    expect(fired).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('arms a deadline again from within its own firing', async () => {
    const { clock, queue } = make();
    const times: number[] = [];
    const expired = (): void => {
      times.push(clock.now());
      if (times.length < 3) queue.arm(deadline, 10, clock.now());
    };
    const deadline = new Deadline({ expired }, 0);
    queue.arm(deadline, 10, 0);
    await clock.advance(100);
    expect(times).toEqual([10, 20, 30]);
  });

  it('takes a timer that fires less than its resolution early for due, one that fires earlier for nothing, and sets none that may come late by rounding', () => {
    let time = 0;
    const timers: { readonly fire: () => void; readonly delayMs: number }[] = [];
    const early: Clock = {
      now: () => time,
      setTimer: (fire, delayMs) => timers.push({ fire, delayMs }),
      clearTimer: () => undefined,
      timerResolution: 1,
    };
    const queue = new TimerQueue(early);
    const fired: string[] = [];
    for (const [name, now] of [
      ['a', 0],
      ['b', 0.6],
      ['c', 5],
    ] as const) {
      queue.arm(new Deadline({ expired: () => void fired.push(name) }, 0), 20, now);
    }
    time = 18.9;
    timers[0]!.fire();
    expect(fired).toEqual([]);
    time = 19.7;
    timers[1]!.fire();
    expect(fired).toEqual(['a', 'b']);
    expect(timers.map(({ delayMs }) => Math.round(delayMs * 10) / 10)).toEqual([20, 0.1, 4.3]);
  });

  it('winding down, has no timer without a deadline, and loses none', async () => {
    const { clock, queue, fired, arm } = make();
    queue.disarm(arm('a', 100));
    arm('b', 300);
    queue.windDown();
    expect(clock.pendingTimers).toBe(1);
    const last = arm('c', 100);
    await clock.advance(50);
    queue.disarm(last);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(300);
    expect(fired).toEqual(['b@300']);
    expect(clock.pendingTimers).toBe(0);
  });
});
