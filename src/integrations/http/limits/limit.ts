import type { ExecutionContext } from '@nestjs/common';
import { policies, type RateLimiter, type RateLimitOptions, type ResilienceService } from '../../../index.js';
import { keyText } from '../../../engine/state/key-text.js';
import type { ClientRequest } from '../client-key.js';
import type { ToldLimit } from './rate-limit-fields.js';

/** What a function of a limit is given. */
export type LimitArguments<Request> = [request: Request, context: ExecutionContext];

/** A limit of routes: the options of `@RateLimit`, whose functions get the request. */
export interface RouteLimit<Request = ClientRequest> extends RateLimitOptions<LimitArguments<Request>> {
  /**
   * Routes whose limits have one name count together, and the client reads it in the fields `RateLimit`. Without a name each route
   * counts by itself.
   */
  name?: string;
  /** Who is counted together: default the `key` of the guard. */
  key?: NonNullable<RateLimitOptions<LimitArguments<Request>>['key']>;
}

/** A strategy of a pipeline that decides by a limiter. */
interface Limiting {
  readonly limiter: RateLimiter;
}

/** A limit as a guard asks it. */
export class Limit {
  private readonly operation: ReturnType<ResilienceService['protect']>;

  /** @throws ResilienceConfigError with every mistake in the options */
  constructor(
    resilience: ResilienceService,
    id: string,
    private readonly options: RouteLimit<never> & { readonly key: NonNullable<RouteLimit<never>['key']> },
    private readonly shownAs: string,
  ) {
    const declaration = { id, levels: [{ source: 'guard', policies: [policies.rateLimit(options)] }], decorated: false };
    this.operation = resilience.protect(declaration, { contextAt: undefined, onlyAsync: false });
  }

  /** Whether a request may have to wait. */
  get waits(): boolean {
    return (this.limiter?.settings.maxWait ?? 0) > 0;
  }

  /** Takes a permit, after waiting where that is wanted. */
  async take(args: LimitArguments<unknown>, signal: AbortSignal | undefined): Promise<void> {
    await this.operation.run(undefined, () => undefined, args, signal);
  }

  /** Whether its permits are counted in a store, so that nobody knows before it has answered. */
  get isShared(): boolean {
    return (this.limiter?.settings.shared ?? false) !== false;
  }

  /** Whether `take` would be rejected now, where that can be known. */
  isShort(args: LimitArguments<never>): boolean {
    const { limiter } = this;
    if (limiter === undefined || this.waits || this.isShared) return false;
    return limiter.peek(this.options.key(...args)).remaining < this.costOf(args);
  }

  /** What was taken since then was for nothing. */
  giveBack(args: LimitArguments<never>, askedAt: number): void {
    const key = keyText(this.options.key(...args), 'the key of a limit');
    this.limiter?.giveBack(key, this.costOf(args), undefined, askedAt);
  }

  /** A reading of the clock that it goes by. */
  now(): number {
    return this.limiter?.environment.clock.now() ?? 0;
  }

  /** What the client is told; nothing where the limit is switched off. */
  told(args: LimitArguments<never>): readonly ToldLimit[] {
    const { limiter } = this;
    return limiter === undefined ? [] : [{ name: this.shownAs, limiter, key: this.options.key(...args) }];
  }

  private costOf(args: LimitArguments<never>): number {
    const { cost = 1 } = this.options;
    return typeof cost === 'number' ? cost : cost(...args);
  }

  /** Looked up each time: a live change puts new strategies into the pipeline. */
  private get limiter(): RateLimiter | undefined {
    return (this.operation.pipeline.layers[0] as Partial<Limiting> | undefined)?.limiter;
  }
}
