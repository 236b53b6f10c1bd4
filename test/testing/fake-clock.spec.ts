import { FakeClock, seededRandom } from '../../src/testing/index.js';

describe('a fake clock', () => {
  it('stands still until it is moved, and starts at 0', async () => {
    const clock = new FakeClock();
    expect([clock.now(), clock.pendingTimers, clock.nextTimerAt]).toEqual([0, 0, undefined]);
    await clock.advance('1.5s');
    expect([clock.now(), clock.wallTime()]).toEqual([1500, Date.UTC(2026, 0, 1) + 1500]);
    expect(new FakeClock(5).wallTime()).toBe(5);
  });

  it('fires timers in the order of their times, and of their making within one', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    for (const [name, ms] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
      ['never', 1000],
      ['now', 0],
    ] as const)
      clock.setTimer(() => fired.push(`${name}@${clock.now()}`), ms);
    clock.clearTimer(clock.setTimer(() => fired.push('cleared'), 5));
    expect(clock.nextTimerAt).toBe(0);
    await clock.advance(100);
    expect(fired).toEqual(['now@0', 'a@10', 'b@10', 'c@30']);
    expect(clock.pendingTimers).toBe(1);
  });

  it('lets everything that a timer settles run before the next one', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const wait = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(resolve, ms));
    const work = async (): Promise<void> => {
      await wait(10);
      seen.push(`first ${clock.now()}`);
      await wait(5);
      seen.push(`second ${clock.now()}`);
    };
    void work();
    clock.setTimer(() => seen.push(`other ${clock.now()}`), 12);
    await clock.advance(20);
    expect(seen).toEqual(['first 10', 'other 12', 'second 15']);
  });

  it('never moves back, where one advance runs inside of another or beside it', async () => {
    const inside = new FakeClock();
    const seen: number[] = [];
    inside.setTimer(() => void inside.advance('5s'), 500);
    inside.setTimer(() => seen.push(inside.now()), 5400);
    await inside.advance('1s');
    await inside.settle();
    expect([inside.now(), ...seen]).toEqual([5500, 5400]);
    const beside = new FakeClock();
    await Promise.all([beside.advance('10s'), beside.advance('1s')]);
    expect(beside.now()).toBe(10_000);
  });

  it('says when the next of very many timers is due', () => {
    const clock = new FakeClock();
    for (let due = 200_000; due > 0; due--) clock.setTimer(() => undefined, due);
    expect(clock.nextTimerAt).toBe(1);
  });

  it('rejects what is no duration', async () => {
    await expect(new FakeClock().advance('soon' as never)).rejects.toThrow('advance takes a duration, got "soon"');
  });
});

describe('seeded randomness', () => {
  it('gives the same numbers in [0, 1) for the same seed, evenly', () => {
    const [one, same, other] = [seededRandom(7), seededRandom(7), seededRandom(8)];
    const numbers = Array.from({ length: 10_000 }, () => one());
    expect(numbers.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => same()));
    expect(numbers[0]).not.toBe(other());
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(numbers.reduce((sum, number) => sum + number) / numbers.length).toBeCloseTo(0.5, 1);
  });
});
