import { Inject, Injectable, mixin, type CallHandler, type ExecutionContext, type NestInterceptor, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { tap, type Observable } from 'rxjs';
import { ResilienceService, type RateLimiter } from '../../index.js';
import { STARTS, type Startup } from '../../nest/runtime/startup.js';
import { callback, formatValue, nearest, text, type Rules } from '../../options/index.js';
import { LimitBoard } from './limits/limit-board.js';
import { tellLimits } from './limits/rate-limit-fields.js';
import { checkOptions } from './check-options.js';
import { routesBehind, type Class, type Handler } from './routes/route-finder.js';

/** Of which limit the headers tell. */
export interface RateLimitHeadersOptions<Request = unknown> {
  /** Name of the rate limiter. */
  readonly limiter: string;
  /** The key that the request was counted by; the common limit without. */
  readonly key?: (request: Request) => string | null | undefined;
}

const RULES: Rules = { limiter: text(), key: callback('(request) => string') };

/**
 * Tells a client what is left of its limit, by the fields `RateLimit-Policy` and `RateLimit` of the IETF draft "RateLimit
 * header fields for HTTP": `@UseInterceptors(RateLimitHeadersInterceptor.of({ limiter: 'api', key: clientIp }))`. Several of them make
 * the fields lists. It does not matter whether it stands inside or outside of `ResilienceInterceptor` and `RateLimitGuard`; that guard
 * tells of its own limits by itself.
 */
@Injectable()
export abstract class RateLimitHeadersInterceptor implements NestInterceptor {
  protected abstract readonly options: RateLimitHeadersOptions<never>;
  /** The handlers that it stands before, by their class; known after the start. */
  private readonly behind = new Map<Class, Set<Handler>>();
  private limiter: RateLimiter | undefined;

  constructor(
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /** An interceptor for one limiter. */
  static of<Request = unknown>(options: RateLimitHeadersOptions<Request>): Type<RateLimitHeadersInterceptor> {
    class Headers extends RateLimitHeadersInterceptor {
      protected readonly options = options as RateLimitHeadersOptions<never>;
    }
    return mixin(Headers);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const tell = (): void => this.tell(context);
    return next.handle().pipe(tap({ next: tell, error: tell }));
  }

  /** @internal */
  get [STARTS](): Startup {
    return { compile: () => this.compile(), unmatched: () => this.unmatched() };
  }

  private compile(): readonly string[] {
    const { problems } = checkOptions('RateLimitHeadersInterceptor', RULES, this.options, [], ['limiter']);
    if (problems.length > 0) return problems;
    for (const { controller, handler } of routesBehind(this.constructor as Class, 'interceptor', this.modules)) {
      const handlers = this.behind.get(controller);
      if (handlers === undefined) this.behind.set(controller, new Set([handler]));
      else handlers.add(handler);
    }
    LimitBoard.of(this.resilience).add((context) => {
      if (this.behind.get(context.getClass())?.has(context.getHandler()) === true) this.tell(context);
    });
    return [];
  }

  private unmatched(): readonly string[] {
    if (this.find() !== undefined) return [];
    const { limiter } = this.options;
    const names = this.resilience.rateLimiters().map(({ name }) => name);
    const meant = nearest(limiter, names);
    return [
      `RateLimitHeadersInterceptor: there is no rate limiter ${formatValue(limiter)}${meant === undefined ? '' : `; did you mean ${formatValue(meant)}?`}`,
    ];
  }

  private tell(context: ExecutionContext): void {
    const limiter = this.find();
    if (limiter === undefined) return;
    const http = context.switchToHttp();
    try {
      const key = this.options.key?.(http.getRequest<never>());
      tellLimits(this.adapterHost.httpAdapter, http.getResponse(), [{ name: limiter.name, limiter, key }]);
    } catch (error) {
      // An answer without these fields is better than none.
      this.resilience.environment.callbackFailed('the key of RateLimitHeadersInterceptor', undefined, error);
    }
  }

  /** A limiter is there for good, but it may come only with a later start of something. */
  private find(): RateLimiter | undefined {
    this.limiter ??= this.resilience.rateLimiters().find(({ name }) => name === this.options.limiter);
    return this.limiter;
  }
}
