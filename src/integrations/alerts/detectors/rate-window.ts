import type { Clock } from '../../../core.js';

/** Counters as they were at a moment. */
interface Reading {
  readonly at: number;
  readonly of: number;
  readonly all: number;
}

/** Readings are at least this share of the while apart, so that there are not more than a hundred of each subject. */
const APART = 1 / 100;

/** Shares over the last while, out of counters that only grow. */
export class RateWindow {
  private readonly readings = new Map<string, Reading[]>();

  constructor(
    private readonly clock: Clock,
    private readonly overMs: number,
  ) {}

  /** The counters as they are now; gives the share since the beginning of the while. */
  count(subject: string, of: number, all: number): { readonly value: number; readonly calls: number } {
    const now = this.clock.now();
    const readings = this.readings.get(subject) ?? [{ at: now, of: 0, all: 0 }];
    this.readings.set(subject, readings);
    const last = readings.at(-1)!;
    const before = readings.at(-2);
    if (before !== undefined && last.at - before.at < this.overMs * APART) readings.pop();
    readings.push({ at: now, of, all });
    // The newest of those that are old enough is where the while begins.
    while (readings.length > 2 && now - readings[1]!.at >= this.overMs) readings.shift();
    const [first] = readings;
    const calls = all - first!.all;
    return { value: calls === 0 ? 0 : (of - first!.of) / calls, calls };
  }
}
