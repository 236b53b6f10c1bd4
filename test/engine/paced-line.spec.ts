import { Environment } from '../../src/engine/environment.js';
import { ScheduledQueue } from '../../src/engine/waiting/scheduled-queue.js';
import { Waiter } from '../../src/engine/waiting/waiter.js';

/** A line on a clock that stands still, where each cost takes that many milliseconds; counts how often a forecast is asked. */
function lineOf(sumDecides: boolean) {
  const clock = { now: () => 0, setTimer: () => 0, clearTimer: () => undefined };
  const counted = { joins: 0 };
  const line = new ScheduledQueue(
    {
      sumDecides,
      dueAt: (cost, from) => from + cost,
      serve: () => undefined,
      emptied: () => undefined,
      forecast: (now) => {
        let at = now;
        return {
          next: (cost) => at + cost,
          join: (cost, times) => {
            counted.joins++;
            at += cost * times;
          },
        };
      },
    },
    new Environment({ clock }),
  );
  const join = (cost: number): Waiter => {
    line.forecast(cost, 0);
    const waiter = new Waiter(line, 0, cost, undefined, undefined, 0);
    line.add(waiter);
    return waiter;
  };
  return { line, join, counted };
}

describe('a paced line', () => {
  it.each([
    ['of one cost', false, [1]],
    ['where only the sum counts', true, [1, 2, 3]],
  ] as const)('%s forecasts in one step, however many wait and leave', (_what, sumDecides, costs) => {
    const { line, join, counted } = lineOf(sumDecides);
    for (let index = 0; index < 5000; index++) join(costs[index % costs.length]!);
    counted.joins = 0;
    for (let index = 0; index < 300; index++) join(1).leave();
    expect(counted.joins).toBeLessThanOrEqual(300);
    const expected = Array.from({ length: 5000 }, (_, index) => costs[index % costs.length]!).reduce<number>((sum, cost) => sum + cost, 0);
    expect(line.forecast(1, 0)).toBe(expected + 1);
  });

  it('of different costs whose order matters forecasts anew only after many have left, and never too early', () => {
    const { line, join, counted } = lineOf(false);
    const waiters = Array.from({ length: 5000 }, (_, index) => join(1 + (index % 2)));
    counted.joins = 0;
    let sum = 7500;
    for (const [index, waiter] of waiters.slice(0, 2000).entries()) {
      waiter.leave();
      sum -= 1 + (index % 2);
      const forecast = line.forecast(1, 0);
      expect(forecast).toBeGreaterThanOrEqual(sum + 1);
      expect(forecast).toBeLessThanOrEqual((sum + 1) * 1.3);
    }
    expect(counted.joins).toBeLessThan(10 * 5000);
  });

  it('is left in good order by who leaves after it was taken out', () => {
    const { line, join } = lineOf(true);
    const first = join(2);
    const second = join(3);
    expect(line.takeOut(() => true)).toEqual([first, second]);
    second.leave();
    first.leave();
    join(4);
    expect([line.size, line.forecast(1, 0)]).toEqual([1, 5]);
  });
});
