import type {
  CircuitCountsBatch,
  CircuitRecord,
  CircuitStore,
  MergedCircuit,
} from '../../src/policies/circuit-breaker/shared/circuit-store.js';

interface NaiveCall {
  readonly failed: boolean;
  readonly slow: boolean;
  /** When it ended, and when the store heard of it. */
  readonly endedAt: number;
  readonly mergedAt: number;
}

type Known = Omit<CircuitRecord, 'remainingMs' | 'openForMs'> & { readonly until: number; readonly openedAt: number | undefined };

const FRESH = { previous: '', version: 0, until: 0, openedAt: undefined, openings: 0, firstOpenMs: 0, successes: 0, judged: undefined };

/** The rules in the plainest form: keeps every call and counts anew each time. Slow, and for one group. */
export class NaiveCircuits {
  private version = 0;
  private readonly known = new Map<string, Known>();
  private readonly calls = new Map<string, NaiveCall[]>();
  private readonly failuresInARow = new Map<string, number>();
  private readonly leases = new Map<string, Map<string, number>>();
  private readonly listeners = new Set<(id: string, record: CircuitRecord) => void>();

  constructor(private readonly now: () => number) {}

  open(): CircuitStore {
    const merged = new Set<number>();
    return {
      idOf: (breaker, key) => `${breaker}/${key ?? ''}`,
      merge: (sequence, batches) => {
        const circuits = batches.map((batch) => this.merge(batch, !merged.has(sequence)));
        merged.add(sequence);
        return Promise.resolve({ version: this.version, now: this.now(), circuits });
      },
      trial: ({ id, nextGeneration, lease, leaseMs, halfOpenCalls, successThreshold }) => {
        const known = this.known.get(id);
        if (known?.state === 'open' && this.now() >= known.until)
          this.set(id, {
            ...known,
            state: 'half-open',
            generation: nextGeneration,
            previous: known.generation,
            until: 0,
            judged: undefined,
          });
        const current = this.known.get(id);
        const running = this.running(id);
        const successes = current?.successes ?? 0;
        const isGranted =
          lease !== undefined &&
          current?.state === 'half-open' &&
          running.size < halfOpenCalls &&
          running.size + successes < Math.max(halfOpenCalls, successThreshold);
        if (isGranted) running.set(lease, this.now() + leaseMs);
        return Promise.resolve({ isGranted, record: this.record(id) });
      },
      conclude: ({ id, generation, lease, passed, nextGeneration, successThreshold, openMs }) => {
        const known = this.known.get(id);
        const counts = this.running(id).delete(lease) && known?.state === 'half-open' && known.generation === generation;
        if (counts && passed === false) this.openCircuit(id, nextGeneration, openMs, undefined);
        else if (counts && passed === true && known.successes + 1 < successThreshold)
          this.known.set(id, { ...known, successes: known.successes + 1 });
        else if (counts && passed === true) this.set(id, { ...FRESH, state: 'closed', generation: nextGeneration, previous: generation });
        return Promise.resolve(this.record(id));
      },
      command: ({ id, state, nextGeneration }) => {
        this.set(id, { ...FRESH, state, generation: nextGeneration, previous: this.known.get(id)?.generation ?? '' });
        return Promise.resolve(this.record(id)!);
      },
      restore: (id, { remainingMs, openForMs, ...record }) => {
        const known = this.known.get(id);
        const openedAt = openForMs === undefined ? undefined : this.now() - openForMs;
        if (known === undefined || (known.generation === record.previous && record.previous !== ''))
          this.set(id, { ...record, until: this.now() + remainingMs, openedAt });
        return Promise.resolve(this.record(id)!);
      },
      read: (ids) => Promise.resolve(ids.map((id) => this.record(id))),
      changes: (since) => {
        const changed = [...this.known].filter(([, { version }]) => version > since).map(([id, { version }]) => [id, version] as const);
        return Promise.resolve({ version: this.version, changed: this.version < since ? undefined : new Map(changed) });
      },
      listen: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
    };
  }

  clear(): void {
    for (const map of [this.known, this.calls, this.failuresInARow, this.leases]) map.clear();
    this.version = 0;
  }

  private merge(batch: CircuitCountsBatch, isNew: boolean): MergedCircuit {
    const { id, judgement, failureRuns, countedForMs } = batch;
    const now = this.now();
    if (!this.known.has(id)) this.known.set(id, { ...FRESH, state: batch.state, generation: batch.generation || batch.nextGeneration });
    const known = this.known.get(id)!;
    const counting = known.state === 'closed' || known.state === 'metrics-only';
    const counts = isNew && counting && (batch.generation === '' || batch.generation === known.generation);
    const calls = this.calls.get(id) ?? [];
    const before = this.failuresInARow.get(id) ?? 0;
    if (counts) {
      for (const run of batch.runs)
        for (let index = 0; index < run.calls; index++)
          calls.push({ failed: index < run.failures, slow: index < run.slowCalls, endedAt: now - run.ageMs, mergedAt: now });
      this.calls.set(id, calls);
      const all = batch.runs.reduce((sum, run) => sum + run.calls, 0);
      this.failuresInARow.set(id, failureRuns.leading === all ? before + all : failureRuns.trailing);
    }
    const { window } = judgement;
    const bucket = (at: number): number => Math.floor(at / ((window.type === 'time' ? window.durationMs : 1) / 10));
    const inWindow = calls.filter((call, index) =>
      window.type === 'time'
        ? bucket(call.endedAt) > bucket(now) - 10
        : calls.length - index <= window.size || now - call.mergedAt < countedForMs,
    );
    const sums = counting
      ? {
          calls: inWindow.length,
          failures: inWindow.filter(({ failed }) => failed).length,
          slowCalls: inWindow.filter(({ slow }) => slow).length,
        }
      : { calls: 0, failures: 0, slowCalls: 0 };
    const inARow =
      Math.max(failureRuns.longest, before + failureRuns.leading) >= (judgement.consecutiveFailures ?? Number.POSITIVE_INFINITY);
    const rates =
      judgement.usesRates &&
      sums.calls >= judgement.minimumCalls &&
      ((sums.failures > 0 && sums.failures / sums.calls >= judgement.failureRateThreshold) ||
        (sums.slowCalls > 0 && sums.slowCalls / sums.calls >= judgement.slowCallRateThreshold));
    if (counts && known.state === 'closed' && sums.failures + sums.slowCalls > 0 && (inARow || rates))
      this.openCircuit(id, batch.nextGeneration, batch.openMs, sums);
    const isSame = batch.generation === this.known.get(id)!.generation;
    return { ...sums, failuresInARow: this.failuresInARow.get(id) ?? 0, record: isSame ? undefined : this.record(id) };
  }

  private openCircuit(id: string, generation: string, openMs: number, judged: CircuitRecord['judged']): void {
    const known = this.known.get(id)!;
    this.set(id, {
      state: 'open',
      generation,
      previous: known.generation,
      version: 0,
      until: this.now() + openMs,
      openedAt: known.openedAt ?? this.now(),
      openings: known.openings + 1,
      firstOpenMs: known.openings > 0 ? known.firstOpenMs : openMs === 0 ? 30_000 : openMs,
      successes: 0,
      judged,
    });
  }

  private set(id: string, known: Known): void {
    this.version = Math.max(this.version + 1, Math.floor(this.now()));
    this.known.set(id, { ...known, version: this.version });
    this.calls.delete(id);
    this.failuresInARow.delete(id);
    this.leases.delete(id);
    for (const listener of this.listeners) queueMicrotask(() => listener(id, this.record(id)!));
  }

  private running(id: string): Map<string, number> {
    const leases = new Map([...(this.leases.get(id) ?? [])].filter(([, expiry]) => expiry > this.now()));
    this.leases.set(id, leases);
    return leases;
  }

  private record(id: string): CircuitRecord | undefined {
    const known = this.known.get(id);
    if (known === undefined) return undefined;
    const { until, openedAt, ...record } = known;
    const openForMs = openedAt === undefined ? undefined : this.now() - openedAt;
    return { ...record, remainingMs: Math.max(0, until - this.now()), openForMs };
  }
}
