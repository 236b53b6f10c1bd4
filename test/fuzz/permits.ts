import { KINDS, type Scenario } from './scenario.js';
import type { Tracked } from './tracked.js';

/** The plain model of a bulkhead: who runs, by key, and how many may. */
export class Permits {
  private readonly running = new Map<string, Tracked[]>();
  private readonly isKeyed: boolean;
  private readonly isCounted: boolean;
  /** One permit holds for all attempts of a call. */
  private readonly holdsForAll: boolean;

  constructor(
    { order = KINDS, options, hooks, tricks }: Scenario,
    private readonly limit: () => number | undefined,
    private readonly tell: (problem: string) => void,
  ) {
    const { bulkhead } = options;
    this.isKeyed = hooks.includes('key');
    this.holdsForAll = options.retry !== undefined && order.indexOf('bulkhead') < order.indexOf('retry');
    // Keys that are forgotten while they are in use begin anew: what they may is not known from outside. A key function that fails tells nothing.
    this.isCounted =
      bulkhead !== undefined && (!this.isKeyed || (bulkhead['maxKeys'] ?? 100) === 100) && !tricks.some(({ at }) => at === 'key');
  }

  enter(call: Tracked): () => void {
    const key = this.isKeyed ? String(call.plan.key) : '';
    const running = this.running.get(key) ?? [];
    this.running.set(key, running);
    // What was let in stays in, also where fewer may since: a later attempt under the same permit is no newcomer.
    const counts = !(this.holdsForAll && call.attempts > 1);
    running.push(call);
    const taken = this.holdsForAll ? new Set(running).size : running.length;
    const limit = Math.max(this.limit() ?? Infinity, call.places);
    if (this.isCounted && counts && taken > limit) this.tell(`${taken} ran at a time where ${limit} may (key ${key})`);
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      running.splice(running.indexOf(call), 1);
    };
  }
}
