import type { Clock } from '../../../core.js';

/** Subjects that are counted at a time; beyond it the one that was counted first is forgotten. */
const MAX_SUBJECTS = 10_000;

/** Moments that are remembered, of all subjects together: 8 bytes each. */
const MAX_MOMENTS = 1_000_000;

/**
 * Counts how often something happened to a subject within the time before now. Only so many moments of each subject are
 * remembered as are needed to tell whether it was `times`, so a count is never above that.
 */
export class OccurrenceCounter {
  private readonly subjects = new Map<string, number[]>();
  private moments = 0;

  constructor(
    private readonly clock: Clock,
    private readonly times: number,
    private readonly withinMs: number,
    /** It is past when it has not happened for so long. */
    private readonly pastMs: number,
  ) {}

  /** It happened; gives how often within the time, `times` at most. */
  count(subject: string): number {
    const now = this.clock.now();
    let moments = this.subjects.get(subject);
    if (moments === undefined) {
      if (this.subjects.size >= MAX_SUBJECTS) this.forget(this.subjects.keys().next().value!);
      this.subjects.set(subject, (moments = []));
    }
    if (moments.length >= this.times) this.drop(moments);
    while (moments.length > 0 && now - moments[0]! > this.withinMs) this.drop(moments);
    moments.push(now);
    this.moments++;
    if (this.moments > MAX_MOMENTS) this.forget(this.subjects.keys().next().value!);
    return moments.length;
  }

  forget(subject: string): void {
    this.moments -= this.subjects.get(subject)?.length ?? 0;
    this.subjects.delete(subject);
  }

  /** Subjects to which it happens no more; they are forgotten. */
  past(): readonly string[] {
    const now = this.clock.now();
    const past = [...this.subjects].filter(([, moments]) => now - moments.at(-1)! >= this.pastMs).map(([subject]) => subject);
    for (const subject of past) this.forget(subject);
    return past;
  }

  private drop(moments: number[]): void {
    moments.shift();
    this.moments--;
  }
}
