import type {
  Correction,
  LimitStore,
  Patience,
  PermitAnswer,
  PermitAsk,
  SharedLimit,
  Turn,
} from '../../policies/rate-limit/shared/limit-store.js';
import { MeterCount } from './meter-count.js';
import type { SharedCount } from './shared-count.js';
import { FixedWindowCount, SlidingWindowCount } from './window-counts.js';

/** So many keys of all limits together; beyond it those that were used first are forgotten. A test that needs more wants a real store. */
const MAX_KEYS = 100_000;

/** Permits that the applications of one process share. */
export class MemoryLimits {
  private readonly counts = new Map<string, SharedCount>();

  /** What one of them sees of it, by its own clock. */
  for(now: () => number): LimitStore {
    return new MemoryLimitsView(this.counts, now);
  }
}

class MemoryLimitsView implements LimitStore {
  constructor(
    private readonly counts: Map<string, SharedCount>,
    private readonly now: () => number,
  ) {}

  take(limit: SharedLimit, asks: readonly PermitAsk[], patience: Patience | undefined): Promise<readonly PermitAnswer[]> {
    return Promise.resolve(
      asks.map((ask) => {
        const { count, keep, isBehind } = this.load(limit, ask.key);
        const given = answer(limit, count, ask, patience);
        // A rejected ask writes nothing, but where the clock was set back.
        if (isBehind || (given.granted > 0 && ask.cost > 0)) keep();
        return given;
      }),
    );
  }

  giveBack(limit: SharedLimit, permits: readonly Correction[]): Promise<void> {
    for (const { key, cost, stamp } of permits) this.change(limit, key, (count) => count.giveBack(count.units.of(cost), stamp));
    return Promise.resolve();
  }

  charge(limit: SharedLimit, permits: readonly Correction[]): Promise<void> {
    for (const { key, cost } of permits) this.change(limit, key, (count) => count.charge(count.units.of(cost)));
    return Promise.resolve();
  }

  private change(limit: SharedLimit, key: string | undefined, change: (count: SharedCount) => void): void {
    const { count, keep } = this.load(limit, key);
    change(count);
    keep();
  }

  /** What is counted of a key as of now, on a copy. */
  private load(
    limit: SharedLimit,
    key: string | undefined,
  ): { readonly count: SharedCount; readonly keep: () => void; readonly isBehind: boolean } {
    const id = JSON.stringify([limit.name, limit.algorithm, key]);
    const kept = this.counts.get(id);
    const count =
      kept === undefined ? sharedCount(limit) : (Object.assign(Object.create(Object.getPrototypeOf(kept) as object), kept) as SharedCount);
    const isBehind = count.turnTo(limit, this.now());
    const keep = (): void => {
      if (kept === undefined && this.counts.size >= MAX_KEYS) this.counts.delete(this.counts.keys().next().value!);
      this.counts.set(id, count);
    };
    return { count, keep, isBehind };
  }
}

function answer({ algorithm }: SharedLimit, count: SharedCount, { cost, times }: PermitAsk, patience: Patience | undefined): PermitAnswer {
  const price = count.units.of(cost);
  const longestLine = algorithm === 'leaky-bucket' ? (patience?.maxQueue ?? 0) : Infinity;
  const turns: Turn[] = [];
  let retryAfterMs = 0;
  while (turns.length < times) {
    const waitMs = count.availableIn(price);
    if (waitMs > (patience?.maxWaitMs ?? 0) || (waitMs > 0 && count.lineLength >= longestLine)) {
      retryAfterMs = waitMs;
      break;
    }
    turns.push({ waitMs, stamp: count.take(price) });
  }
  return {
    granted: turns.length,
    retryAfterMs,
    remaining: count.remaining,
    resetAfterMs: count.resetAfterMs,
    stamp: count.stamp,
    windowEndsInMs: count.windowEndsInMs,
    ...(patience === undefined ? {} : { turns }),
  };
}

function sharedCount(limit: SharedLimit): SharedCount {
  if (limit.algorithm === 'fixed-window') return new FixedWindowCount();
  return limit.algorithm === 'sliding-window' ? new SlidingWindowCount() : new MeterCount();
}
