import { checkHolders, checkStretches, checkTrials, checkWindows } from './checker.js';
import type { Arrival, Hold, Permit } from './ledger.js';

const permit = (from: number, took = 1): Permit => ({ name: 'a', from, to: from + took, by: 'one' });
/** Ten a second for a minute, each at the beginning of its tenth. */
const even = Array.from({ length: 600 }, (_, index) => permit(index * 100));
const perSecond = (ms: number): number => 10 + ms / 100;

describe('the checker of permits', () => {
  it('finds nothing in what keeps the limit to the last permit', () => {
    expect(checkStretches(even, perSecond, [100, 500, 1000, 5000])).toEqual([]);
    expect(checkWindows(even, 1000, 10)).toEqual([]);
    const bursts = Array.from({ length: 60 }, (_, second) => Array.from({ length: 10 }, () => permit(second * 1000))).flat();
    expect(checkStretches(bursts, perSecond, [100, 500, 1000, 5000])).toEqual([]);
  });

  it('finds one permit too many in a window, wherever it is', () => {
    for (const at of [500, 30_500, 59_500]) {
      expect(checkWindows([...even, permit(at)], 1000, 10)).toEqual([{ from: at - 500, to: at + 500, count: 11, allowed: 10 }]);
    }
  });

  it('finds a stretch across two windows that has one too many', () => {
    // Nine at the end of one window and twelve at the beginning of the next: 21, where a stretch of a second may have 20.
    const seeded = [...Array.from({ length: 9 }, () => permit(900)), ...Array.from({ length: 12 }, () => permit(1100))];
    expect(checkStretches(seeded, perSecond, [1000])).toEqual([{ from: 900, to: 1900, count: 21, allowed: 20 }]);
    expect(checkStretches(seeded.slice(1), perSecond, [1000])).toEqual([]);
  });

  it('does not count what may have been given before or after', () => {
    expect(checkWindows([...even, permit(950, 100)], 1000, 10)).toEqual([]);
  });
});

describe('the checker of holders', () => {
  const hold = (from: number, to?: number): Hold => ({ name: 'a', by: 'one', from, to });

  it('finds nothing where each takes when another has let go', () => {
    expect(checkHolders([hold(0, 10), hold(10, 20), hold(5, 15), hold(15, 25)], 2, 100)).toEqual([]);
  });

  it('finds one holder too many, however short', () => {
    expect(checkHolders([hold(0, 10), hold(9.9, 20), hold(9.8, 15)], 2, 100)).toEqual([{ from: 9.9, to: 9.9, count: 3, allowed: 2 }]);
  });

  it('lets whoever never let go have it for a lease', () => {
    expect(checkHolders([hold(0), hold(50, 60)], 1, 100)).toHaveLength(1);
    expect(checkHolders([hold(0), hold(100, 110)], 1, 100)).toEqual([]);
  });
});

describe('the checker of trials', () => {
  const arrival = (from: number): Arrival => ({ by: 'one', from, isWell: false });
  const periods = [0, 1000, 2000].flatMap((at) => [arrival(at), arrival(at + 20), arrival(at + 40)]);

  it('finds nothing where every period has its trials', () => {
    expect(checkTrials(periods, 500, 3)).toEqual([]);
  });

  it('finds one too many, and one too few', () => {
    expect(checkTrials([...periods, arrival(1010)], 500, 3)).toEqual([{ from: 1000, to: 1040, count: 4, allowed: 3 }]);
    expect(checkTrials(periods.slice(1), 500, 3)).toEqual([{ from: 20, to: 40, count: 2, allowed: 3 }]);
  });
});
