import type { Arrival, Hold, Permit } from './ledger.js';

/** More than there may be: where, how many, and how many there may be. */
export interface Violation {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly allowed: number;
}

/**
 * Looks whether any stretch of time has more permits than it may have. A permit counts only where the whole time in which it may have
 * been given lies in the stretch, so what is found is a violation for certain.
 * @param allowed How many a stretch of so many milliseconds may have.
 * @param lengths The stretches that are looked at: one of each length begins with each permit.
 */
export function checkStretches(permits: readonly Permit[], allowed: (ms: number) => number, lengths: readonly number[]): Violation[] {
  const ordered = permits.toSorted((a, b) => a.from - b.from);
  return lengths.flatMap((length) => {
    const bound = allowed(length);
    for (const [index, { from }] of ordered.entries()) {
      let count = 0;
      for (let next = index; next < ordered.length && ordered[next]!.from < from + length; next++) {
        if (ordered[next]!.to <= from + length) count++;
      }
      if (count > bound) return [{ from, to: from + length, count, allowed: bound }];
    }
    return [];
  });
}

/** Looks whether a window that begins at a multiple of its length has more permits than it may have. */
export function checkWindows(permits: readonly Permit[], perMs: number, limit: number): Violation[] {
  const counts = new Map<number, number>();
  for (const { from, to } of permits) {
    const window = Math.floor(from / perMs);
    if (window === Math.floor(to / perMs)) counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > limit)
    .map(([window, count]) => ({ from: window * perMs, to: (window + 1) * perMs, count, allowed: limit }));
}

/** Looks whether at any moment more had a permit of the bulkhead than there are. Whoever was killed counts for a lease. */
export function checkHolders(holds: readonly Hold[], permits: number, leaseMs: number): Violation[] {
  const changes = holds
    .flatMap(({ from, to = from + leaseMs }) => [
      { at: from, change: 1 },
      { at: to, change: -1 },
    ])
    // Who lets go at a moment makes room for who takes at the same one.
    .toSorted((a, b) => a.at - b.at || a.change - b.change);
  let count = 0;
  let worst: Violation | undefined;
  for (const { at, change } of changes) {
    count += change;
    if (count > permits && count > (worst?.count ?? 0)) worst = { from: at, to: at, count, allowed: permits };
  }
  return worst === undefined ? [] : [worst];
}

/** The calls that reached an ill upstream while the circuit was not closed, by half-open period: those are further apart than `gapMs`. */
export function trialsByPeriod(arrivals: readonly Arrival[], gapMs: number): readonly (readonly Arrival[])[] {
  const periods: Arrival[][] = [];
  for (const arrival of arrivals.toSorted((a, b) => a.from - b.from)) {
    const last = periods.at(-1);
    if (last === undefined || arrival.from - last.at(-1)!.from > gapMs) periods.push([arrival]);
    else last.push(arrival);
  }
  return periods;
}

/** Looks whether every half-open period has exactly so many trials. */
export function checkTrials(arrivals: readonly Arrival[], gapMs: number, trials: number): Violation[] {
  return trialsByPeriod(arrivals, gapMs)
    .filter((period) => period.length !== trials)
    .map((period) => ({ from: period[0]!.from, to: period.at(-1)!.from, count: period.length, allowed: trials }));
}
