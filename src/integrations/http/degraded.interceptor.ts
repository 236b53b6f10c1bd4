import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Observable, tap } from 'rxjs';
import { ResilienceService } from '../../index.js';

/** What is known of the answer to one request. */
interface Answer {
  isDegraded: boolean;
}

/**
 * Marks answers in which a fallback had a part, whichever operation underneath served it, by the header
 * `X-Degraded: true`: register it as `{ provide: APP_INTERCEPTOR, useClass: DegradedInterceptor }`. A cache or a client can
 * then tell a makeshift answer from a true one.
 */
@Injectable()
export class DegradedInterceptor implements NestInterceptor, OnApplicationShutdown {
  private readonly answers = new AsyncLocalStorage<Answer>();
  private readonly stopListening: () => void;

  constructor(
    @Inject(ResilienceService) resilience: ResilienceService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {
    // An event is told in the async context of the call that it happened to, so it finds the request it belongs to.
    const mark = (): void => {
      const answer = this.answers.getStore();
      if (answer !== undefined) answer.isDegraded = true;
    };
    this.stopListening = resilience.environment.events.listen(mark, { wants: (type) => type === 'fallback.served' });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const answer: Answer = { isDegraded: false };
    const response = context.switchToHttp().getResponse<object>();
    const mark = (): void => {
      const { httpAdapter } = this.adapterHost;
      if (answer.isDegraded && httpAdapter.isHeadersSent(response) !== true) httpAdapter.setHeader(response, 'X-Degraded', 'true');
    };
    return new Observable<unknown>((subscriber) => this.answers.run(answer, () => next.handle().subscribe(subscriber))).pipe(
      tap({ next: mark, error: mark }),
    );
  }

  onApplicationShutdown(): void {
    this.stopListening();
  }
}
