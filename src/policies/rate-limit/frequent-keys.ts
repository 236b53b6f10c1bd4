/** How many keys are counted at a time. */
const CAPACITY = 100;

/**
 * Finds the keys that come most often among any number of them, with a hundred counters (J. Misra, D. Gries: Finding repeated
 * elements, 1982): a newcomer without a free counter takes one off every counter instead. A count is at most a
 * hundredth of all notes too low, so a key with more than that share is always there. Noting is O(1) on average.
 */
export class FrequentKeys {
  private readonly counts = new Map<string, number>();

  note(key: string): void {
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
}
