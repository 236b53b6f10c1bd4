import type { WindowSettings } from '../../policies/circuit-breaker/circuit-breaker.policy.js';
import type {
  CallRun,
  CircuitCountsBatch,
  CircuitRecord,
  FailureRuns,
  MergedCircuit,
} from '../../policies/circuit-breaker/shared/circuit-store.js';
import type { CircuitStateName } from '../../policies/circuit-breaker/circuit-state.js';
import type { CallStatistics } from '../../policies/circuit-breaker/counting/windows.js';
import { MergedWindow } from './memory-window.js';

/** Where the first opening lasted no time, trials are given as long. */
const DEFAULT_OPEN_MS = 30_000;

/** What a transition is written by: it gives the version, and tells everybody. */
export interface Transitions {
  now(): number;
  /** The circuit has another state: gives the version of the change. */
  changed(circuit: MemoryCircuit): number;
}

/** A circuit of a fleet, as the store has it. Times are those of the store's clock. */
export class MemoryCircuit {
  version = 0;
  private previous = '';
  private until = 0;
  private openedAt: number | undefined;
  private openings = 0;
  private firstOpenMs = 0;
  private successes = 0;
  private judged: CallStatistics | undefined;
  private failuresInARow = 0;
  /** By shape: instances that are being replaced may count in another one. */
  private windows = new Map<string, MergedWindow>();
  /** When each lease expires. */
  private leases = new Map<string, number>();

  constructor(
    readonly id: string,
    private readonly transitions: Transitions,
    private generation: string,
    private state: CircuitStateName,
  ) {}

  get record(): CircuitRecord {
    const now = this.transitions.now();
    return {
      state: this.state,
      generation: this.generation,
      previous: this.previous,
      version: this.version,
      remainingMs: Math.max(0, this.until - now),
      openForMs: this.openedAt === undefined ? undefined : Math.max(0, now - this.openedAt),
      openings: this.openings,
      firstOpenMs: this.firstOpenMs,
      successes: this.successes,
      judged: this.judged,
    };
  }

  /** @param isNew False where the batch was merged already. */
  merge(batch: CircuitCountsBatch, isNew: boolean): MergedCircuit {
    const { generation, judgement, failureRuns } = batch;
    const counting = this.state === 'closed' || this.state === 'metrics-only';
    if (!counting) return this.answer({ calls: 0, failures: 0, slowCalls: 0 }, generation);
    const counts = isNew && (generation === this.generation || generation === '');
    const longest = Math.max(failureRuns.longest, this.failuresInARow + failureRuns.leading);
    if (counts) this.followFailures(batch.runs, failureRuns);
    const sums = this.windowOf(judgement.window).merge(counts ? batch.runs : [], this.transitions.now(), batch.countedForMs);
    if (counts && this.mustOpen(batch, sums, longest)) this.open(batch.nextGeneration, batch.openMs, sums);
    return this.answer(sums, generation);
  }

  /** A lease for a trial, where there may be one now. */
  lease(nextGeneration: string, lease: string | undefined, leaseMs: number, halfOpenCalls: number, successThreshold: number): boolean {
    const now = this.transitions.now();
    if (this.state === 'open' && now >= this.until) this.transit(nextGeneration, 'half-open');
    if (this.state !== 'half-open' || lease === undefined) return false;
    for (const [one, expiry] of this.leases) if (expiry <= now) this.leases.delete(one);
    const running = this.leases.size;
    if (running >= halfOpenCalls || running + this.successes >= Math.max(halfOpenCalls, successThreshold)) return false;
    this.leases.set(lease, now + leaseMs);
    return true;
  }

  /** How a trial ended: counts with the generation and a lease that has not expired. */
  conclude(generation: string, lease: string, passed: boolean | undefined, next: string, successThreshold: number, openMs: number): void {
    const expiry = this.leases.get(lease) ?? 0;
    this.leases.delete(lease);
    const counts = this.state === 'half-open' && generation === this.generation && expiry > this.transitions.now();
    if (!counts || passed === undefined) return;
    if (!passed) this.open(next, openMs, undefined);
    else if (this.successes + 1 >= successThreshold) this.transit(next, 'closed');
    else this.successes++;
  }

  /** Into another state: by itself, or by hand. */
  transit(generation: string, state: CircuitStateName): void {
    this.enter(generation, state);
    if (state !== 'open' && state !== 'half-open') {
      this.openedAt = undefined;
      this.openings = this.firstOpenMs = 0;
    }
    this.version = this.transitions.changed(this);
  }

  /** As an instance knows it that remembers what the store has lost. */
  restore(record: CircuitRecord): void {
    const now = this.transitions.now();
    this.enter(record.generation, record.state);
    this.previous = record.previous;
    this.until = now + record.remainingMs;
    this.openedAt = record.openForMs === undefined ? undefined : now - record.openForMs;
    this.openings = record.openings;
    this.firstOpenMs = record.firstOpenMs;
    this.successes = record.successes;
    this.judged = record.judged;
    this.version = this.transitions.changed(this);
  }

  private open(generation: string, openMs: number, judged: CallStatistics | undefined): void {
    const now = this.transitions.now();
    this.enter(generation, 'open');
    this.openings++;
    if (this.openings === 1) this.firstOpenMs = openMs === 0 ? DEFAULT_OPEN_MS : openMs;
    this.openedAt ??= now;
    this.until = now + openMs;
    this.judged = judged;
    this.version = this.transitions.changed(this);
  }

  private enter(generation: string, state: CircuitStateName): void {
    this.previous = this.generation;
    this.generation = generation;
    this.state = state;
    this.until = this.successes = this.failuresInARow = 0;
    this.judged = undefined;
    this.windows = new Map();
    this.leases = new Map();
  }

  private followFailures(runs: readonly CallRun[], { leading, trailing }: FailureRuns): void {
    const calls = runs.reduce((sum, run) => sum + run.calls, 0);
    this.failuresInARow = leading === calls ? this.failuresInARow + calls : trailing;
  }

  private mustOpen({ judgement }: CircuitCountsBatch, { calls, failures, slowCalls }: CallStatistics, longest: number): boolean {
    if (this.state !== 'closed' || failures + slowCalls === 0) return false;
    if (longest >= (judgement.consecutiveFailures ?? Number.POSITIVE_INFINITY)) return true;
    if (!judgement.usesRates || calls < judgement.minimumCalls) return false;
    if (failures > 0 && failures / calls >= judgement.failureRateThreshold) return true;
    return slowCalls > 0 && slowCalls / calls >= judgement.slowCallRateThreshold;
  }

  private windowOf(shape: WindowSettings): MergedWindow {
    const name = JSON.stringify(shape);
    let window = this.windows.get(name);
    if (window === undefined) this.windows.set(name, (window = new MergedWindow(shape)));
    return window;
  }

  private answer(sums: CallStatistics, generation: string): MergedCircuit {
    return { ...sums, failuresInARow: this.failuresInARow, record: generation === this.generation ? undefined : this.record };
  }
}
