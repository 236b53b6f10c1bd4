import type { Clock } from '../core.js';

/** Subjects that are counted at a time; beyond it the one that was counted first is forgotten. */
const MOST_SUBJECTS = 10_000;

interface Recurrence {
  /** When the present count began. */
  begunAt: number;
  lastAt: number;
  count: number;
}

/** Counts how often something happens to a subject in a while that begins with its first time. */
export class Recurrences {
  private readonly subjects = new Map<string, Recurrence>();

  constructor(
    private readonly clock: Clock,
    private readonly withinMs: number,
    /** It is past when it has not happened for so long. */
    private readonly pastMs: number,
  ) {}

  /** It happened; gives how often in the present while. */
  note(subject: string): number {
    const now = this.clock.now();
    const known = this.subjects.get(subject);
    if (known === undefined || now - known.begunAt > this.withinMs) {
      this.subjects.delete(subject);
      this.subjects.set(subject, { begunAt: now, lastAt: now, count: 1 });
      if (this.subjects.size > MOST_SUBJECTS) this.subjects.delete(this.subjects.keys().next().value!);
      return 1;
    }
    known.lastAt = now;
    known.count++;
    return known.count;
  }

  forget(subject: string): void {
    this.subjects.delete(subject);
  }

  /** Subjects to which it happens no more; they are forgotten. */
  past(): readonly string[] {
    const now = this.clock.now();
    const past = [...this.subjects].filter(([, { lastAt }]) => now - lastAt >= this.pastMs).map(([subject]) => subject);
    for (const subject of past) this.subjects.delete(subject);
    return past;
  }
}
