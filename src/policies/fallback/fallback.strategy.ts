import { lookAfter } from '../../engine/drivers/promises.js';
import type { Call } from '../../engine/call/call.js';
import type { Environment } from '../../engine/environment.js';
import { FailureFilter } from '../../engine/failure-filter.js';
import { Outcome } from '../../engine/contract/outcome.js';
import type { Rejection } from '../../engine/contract/rejection.js';
import type { Strategy } from '../../engine/contract/strategy.js';
import type { Substitute } from '../../engine/contract/verdict.js';
import type { Histogram } from '../../engine/telemetry/histogram.js';
import { ProgrammingErrorNotices } from './programming-errors.js';
import type { ResolvedFallback, Tier } from './fallback.policy.js';
import { FallbackEvents, type FallbackCause, type TierCounts } from './fallback.telemetry.js';

/** Fallback options as the strategy takes them. */
type FallbackSettings = ResolvedFallback & Required<Pick<ResolvedFallback, 'tiers'>>;

/** A tier with its own filter, where it has one. */
interface FilteredTier extends Tier {
  readonly filter: FailureFilter | undefined;
}

/** Answers in place of a failed attempt. */
export class FallbackStrategy implements Strategy {
  readonly kind = 'fallback';
  readonly succeeded: Strategy['succeeded'];
  readonly rejects: Strategy['rejects'];
  readonly events: FallbackEvents;
  readonly bugs: ProgrammingErrorNotices;
  readonly validate: FallbackSettings['validate'];
  private readonly filter: FailureFilter;
  private readonly tiers: readonly FilteredTier[];
  /** By the place of the tier. */
  counts: TierCounts;
  durations: Histogram | undefined;

  constructor(
    readonly name: string,
    settings: FallbackSettings,
    readonly environment: Environment,
  ) {
    this.measure();
    this.counts = { served: settings.tiers.map(() => 0), failed: settings.tiers.map(() => 0) };
    this.filter = new FailureFilter(settings, environment, '@Fallback', false);
    this.tiers = settings.tiers.map((tier) => ({
      ...tier,
      filter: tier.on === undefined ? undefined : new FailureFilter({ on: tier.on }, environment, '@Fallback tier', false),
    }));
    this.validate = settings.validate;
    this.events = new FallbackEvents(environment.events, name);
    this.bugs = new ProgrammingErrorNotices(environment);
    if (this.filter.judgesResults) {
      this.succeeded = (call) =>
        !call.committed && this.filter.rejects(call.payload, call)
          ? this.answerFrom(0, call, new Cause(undefined, undefined, call.payload))
          : undefined;
      this.rejects = (value, operationId) => this.filter.rejects(value, { operationId });
    }
  }

  readonly failed = (call: Call): Substitute | undefined => {
    if (call.committed || call.outcome === Outcome.ABORT || !this.filter.isFailedCall(call)) return undefined;
    return this.answerFrom(0, call, new Cause(call.rejection, call.rejection === undefined ? call.payload : undefined, undefined));
  };

  measure(): void {
    this.durations ??= this.environment.timings.ofCalls('fallback_duration_seconds', this.name);
  }

  inheritCounts(previous: Strategy): void {
    const { counts, durations } = previous as FallbackStrategy;
    this.durations = durations;
    for (const [index] of this.counts.served.entries()) {
      counts.served[index] ??= 0;
      counts.failed[index] ??= 0;
    }
    this.counts = counts;
  }

  /** The first tier from `index` on that answers for the error, or for a rejection. A bad result is an error to no tier's filter. */
  answerFrom(index: number, call: Call, cause: Cause): Substitute | undefined {
    for (let next = index; next < this.tiers.length; next++) {
      const tier = this.tiers[next]!;
      if (tier.filter === undefined || tier.filter.isFailure(cause.error, call)) {
        return new TierSubstitute(this, tier, next, call.operationId, call, cause);
      }
    }
    return undefined;
  }
}

/** What a fallback answers for. */
class Cause implements FallbackCause {
  constructor(
    /** Where an inner layer rejected the call and nobody has looked at the error. */
    readonly rejection: Rejection | undefined,
    private readonly thrown: unknown,
    private readonly badResult: unknown,
  ) {}

  /** Undefined where it is a bad result. */
  get error(): unknown {
    return this.rejection === undefined ? this.thrown : this.rejection.error;
  }

  /** What tiers are told: the error, or the bad result. */
  get told(): unknown {
    return this.error ?? this.badResult;
  }
}

/** One tier at work for one call. */
class TierSubstitute implements Substitute {
  private startedAt: number | undefined;

  constructor(
    private readonly fallback: FallbackStrategy,
    private readonly tier: Tier,
    private readonly index: number,
    private readonly operationId: string,
    private readonly call: Call,
    private readonly cause: Cause,
  ) {}

  produce(): unknown {
    const { method, produce, value } = this.tier;
    if (this.fallback.durations !== undefined) this.startedAt = this.fallback.environment.clock.now();
    if (produce !== undefined) return produce(this.cause.told, ...this.call.args);
    if (method === undefined) return value;
    const { target, args } = this.call;
    return (target as Record<string, (...args: readonly unknown[]) => unknown>)[method]!(...args, this.cause.told);
  }

  answered(value: unknown): undefined {
    if (!this.passes(value)) {
      throw new Error(`${this.operationId}: validate rejected the value of fallback tier ${this.index + 1}`);
    }
    const { counts, durations } = this.fallback;
    counts.served[this.index]!++;
    if (durations !== undefined) this.measured(durations);
    this.fallback.events.served(this.operationId, this.index + 1, this.cause);
    if (this.cause.rejection === undefined) this.fallback.bugs.served(this.operationId, this.cause.error);
  }

  /** A promise of `validate` says nothing: it is told, and the value is taken. What `validate` throws fails the tier. */
  private passes(value: unknown): boolean {
    const { validate, environment } = this.fallback;
    if (validate === undefined) return true;
    const verdict: unknown = validate(value);
    if (!lookAfter(verdict, () => undefined)) return Boolean(verdict);
    environment.callbackFailed('@Fallback validate', this.operationId, new TypeError('validate must answer at once, and gave a promise'));
    return true;
  }

  failed(error: unknown): Substitute | undefined {
    const { counts, durations } = this.fallback;
    counts.failed[this.index]!++;
    if (durations !== undefined) this.measured(durations);
    this.fallback.events.failed(this.operationId, this.index + 1, this.cause, error);
    const next = this.fallback.answerFrom(this.index + 1, this.call, this.cause);
    if (next === undefined) attachCause(error, this.cause.error);
    return next;
  }

  private measured(durations: Histogram): void {
    if (this.startedAt !== undefined) durations.record(this.fallback.environment.clock.now() - this.startedAt);
  }
}

/** Says what the fallback was for, where the error has no cause of its own and can take one. */
function attachCause(error: unknown, cause: unknown): void {
  try {
    if (cause === undefined || error === cause || !(error instanceof Error) || error.cause !== undefined || !Object.isExtensible(error))
      return;
    error.cause = cause;
  } catch {
    // An error that cannot be read, or takes no cause, is thrown as it is.
  }
}
