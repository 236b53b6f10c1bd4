/** How many keys are counted at a time. */
const CAPACITY = 100;

/** So many keys are ever shown by name; whoever makes up keys cannot make up series without end. */
const MAX_SHOWN = 200;

/** A label is cut at so many characters. */
const MAX_LABEL = 64;

const OTHERS = 'other';

/** Of a limiter that has rejected nobody yet. */
const NONE = new Map<string, number>();

/**
 * Finds the keys that come most often among any number of them, with a hundred counters (J. Misra, D. Gries: Finding repeated
 * elements, 1982): a newcomer without a free counter takes one off every counter instead. A count is at most a
 * hundredth of all notes too low, so a key with more than that share is always there. Noting is O(1) on average.
 */
export class FrequentKeys {
  private counts = NONE;
  private shown: Set<string> | undefined;

  count(key: string): void {
    if (this.counts === NONE) this.counts = new Map<string, number>();
    const count = this.counts.get(key);
    if (count !== undefined) this.counts.set(key, count + 1);
    else if (this.counts.size < CAPACITY) this.counts.set(key, 1);
    else {
      for (const [other, before] of this.counts) {
        if (before === 1) this.counts.delete(other);
        else this.counts.set(other, before - 1);
      }
    }
  }

  /** The keys with the highest counts, highest first. */
  top(most: number): readonly (readonly [key: string, count: number])[] {
    return [...this.counts].toSorted(([, a], [, b]) => b - a).slice(0, most);
  }

  /** The same for a time series database: cut, and over the life of the process of so many keys; all others are `other`. */
  series(most: number): ReadonlyMap<string, number> {
    const series = new Map<string, number>();
    const shown = (this.shown ??= new Set<string>());
    for (const [key, count] of this.top(most)) {
      const label = key.length > MAX_LABEL ? `${key.slice(0, MAX_LABEL - 1)}…` : key;
      if (shown.size < MAX_SHOWN) shown.add(label);
      const client = shown.has(label) ? label : OTHERS;
      series.set(client, (series.get(client) ?? 0) + count);
    }
    return series;
  }
}
