import { Inject, Injectable, mixin, type CallHandler, type ExecutionContext, type NestInterceptor, type Type } from '@nestjs/common';
import { catchError, concat, defer, EMPTY, throwError, type Observable } from 'rxjs';
import { ResilienceService, type Policy } from '../index.js';

/** Which policy protects which route. Key, cost, priority and fallback functions get the request. */
export interface ResilienceInterceptorOptions {
  /** For every route that is not named. */
  readonly policy?: Policy;
  /** By `Controller.handler`; `undefined` leaves a route alone. */
  readonly routes?: Readonly<Record<string, Policy | undefined>>;
}

/**
 * Protects the routes of a controller or of a whole application, each as an operation `Controller.handler` with state of
 * its own: `{ provide: APP_INTERCEPTOR, useClass: ResilienceInterceptor.of({ policy }) }`. A breaker hears of the errors
 * that a handler throws and of a status that it sets by hand; 400-499 is no failure.
 */
@Injectable()
export abstract class ResilienceInterceptor implements NestInterceptor {
  protected abstract readonly options: ResilienceInterceptorOptions;

  constructor(@Inject(ResilienceService) private readonly resilience: ResilienceService) {}

  /** An interceptor with these policies. */
  static of(options: ResilienceInterceptorOptions): Type<ResilienceInterceptor> {
    class Routes extends ResilienceInterceptor {
      protected readonly options = options;
    }
    return mixin(Routes);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const name = `${context.getClass().name}.${context.getHandler().name}`;
    const { routes = {}, policy } = this.options;
    const wanted = Object.hasOwn(routes, name) ? routes[name] : policy;
    if (wanted === undefined) return next.handle();
    const options = { name: `route ${name}` };
    if (context.getType() !== 'http') {
      return this.resilience.executeObservable(wanted, () => next.handle(), { ...options, args: [context.getArgByIndex(0)] });
    }
    const http = context.switchToHttp();
    const response = http.getResponse<{ readonly statusCode: number }>();
    const handle = () => concat(next.handle(), failureByStatus(response));
    return this.resilience
      .executeObservable(wanted, handle, { ...options, args: [http.getRequest()] })
      .pipe(catchError((error: unknown) => (error instanceof AnsweredByHand ? EMPTY : throwError(() => error))));
  }
}

/** A handler answered by itself, with a status that is a failure to who protects the route; the client has its answer. */
class AnsweredByHand extends Error {
  constructor(readonly status: number) {
    super(`answered with the status ${status}`);
  }
}

/** Nothing, or a failure after the handler's own values: those are the answer, so nothing is tried again or replaced. */
function failureByStatus(response: { readonly statusCode: number }): Observable<never> {
  return defer(() => (response.statusCode >= 500 ? throwError(() => new AnsweredByHand(response.statusCode)) : EMPTY));
}
