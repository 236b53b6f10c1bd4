import { Waiter } from '../../src/engine/waiting/waiter.js';
import { WaitQueue } from '../../src/engine/waiting/wait-queue.js';

const place = { left: () => undefined, expired: () => new Error('expired') };
const waiter = (priority = 0) => new Waiter(place, priority, 1, undefined, undefined, 0);

describe('a waiting line', () => {
  it('serves higher priorities first, and each in order of arrival', () => {
    const line = new WaitQueue();
    const [low, high, low2, high2, middle] = [waiter(1), waiter(9), waiter(1), waiter(9), waiter(5)];
    [low, high, low2, high2, middle].forEach((one) => line.add(one));
    expect(line.evictionCandidate).toBe(low);
    expect([1, 2, 3, 4, 5].map(() => line.shift())).toEqual([high, high2, middle, low, low2]);
    expect(line.shift()).toBeUndefined();
    expect(line.size).toBe(0);
  });

  it('lets anybody leave from anywhere', () => {
    const line = new WaitQueue();
    const all = [waiter(), waiter(), waiter(), waiter(2)];
    all.forEach((one) => line.add(one));
    line.remove(all[1]!);
    line.remove(all[1]!);
    line.remove(all[3]!);
    expect([...line]).toEqual([all[0], all[2]]);
    expect(line.size).toBe(2);
  });

  it('takes any number as a priority', () => {
    const line = new WaitQueue();
    const order = [-1, 0.5, Infinity, -Infinity, 3];
    order.forEach((priority) => line.add(waiter(priority)));
    expect(order.map(() => line.shift()!.priority)).toEqual([Infinity, 3, 0.5, -1, -Infinity]);
  });
});

describe('a waiter', () => {
  it('is granted, rejected or leaves, whichever comes first', () => {
    for (const [first, state] of [
      ['grant', 'granted'],
      ['leave', 'left'],
    ] as const) {
      const one = waiter();
      let woken = 0;
      one.wake = () => woken++;
      one[first]();
      one.reject(new Error('late'));
      one.grant();
      one.leave();
      expect(one.state).toBe(state);
      expect(one.rejection).toBeUndefined();
      expect(woken).toBe(first === 'leave' ? 0 : 1);
    }
  });
});
