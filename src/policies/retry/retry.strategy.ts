import { wallTimeOf } from '../../engine/clock.js';
import type { Call } from '../../engine/call/call.js';
import type { Environment } from '../../engine/environment.js';
import { FailureFilter } from '../../engine/failure-filter.js';
import { Outcome } from '../../engine/contract/outcome.js';
import type { Strategy } from '../../engine/contract/strategy.js';
import { parseDuration, formatValue } from '../../options/index.js';
import { nextDelay } from './backoff.js';
import { retryAfterOf } from './retry-after.js';
import type { RetryBudget } from './retry-budget.js';
import type { ResolvedRetry, RetryNotice } from './retry.policy.js';
import { RetryCounts, RetryEvents } from './retry.telemetry.js';

/** What is remembered of a call that is retried, or whose time is bounded. */
interface Progress {
  /** NaN where nothing bounds the time. */
  startedAt: number;
  previousDelay: number | undefined;
  /** The last attempt that did not succeed. */
  failedAttempt: number;
}

/** Without a backoff that has one of its own, a `Retry-After` beyond this ends the retrying. */
const MAX_RETRY_AFTER_MS = 30_000;

/** What a backoff function gives that stops the retrying. */
const STOP = -1;

/** Says after a failure whether and when to try again. */
export class RetryStrategy implements Strategy {
  readonly kind = 'retry';
  readonly waitDescription = 'the pause before another attempt';
  readonly admit: Strategy['admit'];
  readonly succeeded: Strategy['succeeded'];
  readonly rejects: Strategy['rejects'];
  private readonly wallTime: () => number;
  private readonly filter: FailureFilter;
  private readonly events: RetryEvents;
  counts: RetryCounts;

  constructor(
    readonly name: string,
    private readonly settings: ResolvedRetry,
    readonly budget: RetryBudget | undefined,
    private readonly environment: Environment,
  ) {
    this.wallTime = () => wallTimeOf(environment.clock);
    this.filter = new FailureFilter(settings, environment, '@Retry', true);
    this.events = new RetryEvents(environment.events, name);
    this.counts = new RetryCounts(settings.maxAttempts);
    // Only who needs them is asked on the way in and told of a success.
    if (budget !== undefined || settings.maxDuration !== undefined) this.admit = (call, layer) => this.begin(call, layer);
    if (this.filter.judgesResults) {
      this.succeeded = (call, layer) => this.judge(call, layer);
      this.rejects = (value, operationId) => this.filter.rejects(value, { operationId });
    }
  }

  readonly failed = (call: Call, layer: number): number | undefined => {
    if (call.attempt > 1) this.end(call, layer, call.outcome === Outcome.ABORT ? 'given-up' : 'failed');
    if (call.committed || call.outcome === Outcome.ABORT || !this.filter.isFailedCall(call)) return undefined;
    return this.again(call, layer);
  };

  /** A time limit or the caller cut the attempt off, or the pause before the next one: then nothing is left to be counted. */
  abandoned(call: Call, layer: number): undefined {
    const progress = call.slots[layer] as Progress | undefined;
    if (call.attempt > 1 && progress?.failedAttempt !== call.attempt) this.end(call, layer, 'given-up');
  }

  settled(call: Call, layer: number): void {
    const { failedAttempt } = call.slots[layer] as Progress;
    if (failedAttempt !== call.attempt) this.counts.end(call.attempt, 'succeeded');
  }

  inheritCounts(previous: Strategy): void {
    this.counts = (previous as RetryStrategy).counts;
  }

  budgetLeft(): number | undefined {
    return this.budget?.remaining(this.environment.clock.now());
  }

  private end(call: Call, layer: number, outcome: 'failed' | 'given-up'): void {
    (call.slots[layer] as Progress).failedAttempt = call.attempt;
    this.counts.end(call.attempt, outcome);
  }

  private begin(call: Call, layer: number): undefined {
    this.budget?.countCall(call.now());
    if (this.settings.maxDuration !== undefined) call.slots[layer] = this.newProgress(call);
  }

  private newProgress(call: Call): Progress {
    return { startedAt: this.settings.maxDuration === undefined ? Number.NaN : call.now(), previousDelay: undefined, failedAttempt: 0 };
  }

  private judge(call: Call, layer: number): number | undefined {
    if (call.committed || !this.filter.rejects(call.payload, call)) return undefined;
    if (call.attempt > 1) this.end(call, layer, 'failed');
    return this.again(call, layer);
  }

  private again(call: Call, layer: number): number | undefined {
    if (call.attempt >= this.settings.maxAttempts) return this.giveUp(call);
    const progress = (call.slots[layer] ??= this.newProgress(call)) as Progress;
    const delayMs = this.delayAfter(call, progress);
    if (delayMs === undefined) return this.giveUp(call);
    // No pause begins any more: the last error stands.
    if (delayMs > 0 && this.environment.shutdown.isDraining) return undefined;
    if (this.budget !== undefined && !this.budget.tryRetry(call.now())) {
      this.counts.budgetExhausted++;
      this.events.budgetExhausted(call);
      return undefined;
    }
    progress.previousDelay = delayMs;
    this.events.scheduled(call, delayMs);
    this.notify(call, delayMs);
    return delayMs;
  }

  private giveUp(call: Call): undefined {
    if (this.settings.maxAttempts === 1) return;
    this.counts.exhausted++;
    this.events.exhausted(call);
  }

  /** The wait before the next attempt, or undefined where there must not be one. */
  private delayAfter(call: Call, progress: Progress): number | undefined {
    const { backoff, maxDuration, respectRetryAfter } = this.settings;
    let delayMs = this.plainDelay(call, progress);
    if (delayMs === undefined) return undefined;
    if (respectRetryAfter && call.outcome !== Outcome.SUCCESS) {
      const asked = retryAfterOf(call.payload, this.wallTime) ?? 0;
      const longest = typeof backoff === 'object' ? backoff.maxDelay : MAX_RETRY_AFTER_MS;
      if (asked === Infinity || (maxDuration === undefined && asked > longest)) return undefined;
      // Nobody asked to sit out an open circuit: before its next trial a new attempt would be for nothing.
      if (asked > delayMs && this.filter.isUnwanted(call.payload)) return undefined;
      delayMs = Math.max(delayMs, asked);
    }
    // A call that was under way when it got a `maxDuration`: the time counts from here.
    if (maxDuration !== undefined && Number.isNaN(progress.startedAt)) progress.startedAt = call.now();
    return maxDuration !== undefined && call.now() - progress.startedAt + delayMs > maxDuration ? undefined : delayMs;
  }

  private plainDelay(call: Call, { previousDelay }: Progress): number | undefined {
    const { backoff } = this.settings;
    if (backoff === 'none') return 0;
    if (typeof backoff === 'object') return nextDelay(backoff, call.attempt, previousDelay, this.environment.random);
    const input = { attempt: call.attempt, error: call.payload, previousDelay };
    const { environment } = this;
    const delay = environment.ask(
      '@Retry backoff',
      call.operationId,
      () => backoff(input),
      () => STOP,
    );
    if (typeof delay === 'number' && delay < 0) return undefined;
    const delayMs = parseDuration(delay);
    if (delayMs === undefined) {
      const error = new TypeError(`a backoff function must give a duration, got ${formatValue(delay)}`);
      environment.callbackFailed('@Retry backoff', call.operationId, error);
    }
    return delayMs;
  }

  private notify(call: Call, delayMs: number): void {
    const { onRetry } = this.settings;
    if (onRetry === undefined) return;
    const notice: RetryNotice = { attempt: call.attempt, error: call.payload, delayMs, operationId: call.operationId };
    this.environment.notify('@Retry onRetry', call.operationId, () => onRetry(notice));
  }
}
