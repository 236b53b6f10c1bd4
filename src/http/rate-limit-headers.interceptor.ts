import { Inject, Injectable, mixin, type CallHandler, type ExecutionContext, type NestInterceptor, type Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { tap, type Observable } from 'rxjs';
import { ResilienceService } from '../index.js';

/** Of which limit the headers tell. */
export interface RateLimitHeadersOptions<Request = unknown> {
  /** Name of the rate limiter. */
  readonly limiter: string;
  /** The key that the request was counted by; the common limit without. */
  readonly key?: (request: Request) => string | null | undefined;
}

/**
 * Tells a client what is left of its limit, by the fields `RateLimit-Policy` and `RateLimit` of the IETF draft "RateLimit
 * header fields for HTTP": `@UseInterceptors(RateLimitHeadersInterceptor.of({ limiter: 'api', key: clientIp }))`.
 */
@Injectable()
export abstract class RateLimitHeadersInterceptor implements NestInterceptor {
  protected abstract readonly options: RateLimitHeadersOptions<never>;

  constructor(
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
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

  private tell(context: ExecutionContext): void {
    const { httpAdapter } = this.adapterHost;
    const response = context.switchToHttp().getResponse<object>();
    if (httpAdapter.isHeadersSent(response) === true) return;
    const { limiter: name, key } = this.options;
    const limiter = this.resilience.rateLimiters().find((one) => one.name === name);
    if (limiter === undefined) return;
    const { remaining, resetAfterMs } = limiter.peek(key?.(context.switchToHttp().getRequest<never>()));
    const quoted = JSON.stringify(name);
    httpAdapter.setHeader(response, 'RateLimit-Policy', `${quoted};q=${limiter.settings.limit};w=${seconds(limiter.settings.per)}`);
    httpAdapter.setHeader(response, 'RateLimit', `${quoted};r=${remaining};t=${seconds(resetAfterMs)}`);
  }
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}
