import { Inject, Injectable, mixin, type CallHandler, type ExecutionContext, type NestInterceptor, type Type } from '@nestjs/common';
import { type Observable } from 'rxjs';
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
 * that a handler throws, those with a status of 400-499 not being failures.
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
    const request: unknown = context.getType() === 'http' ? context.switchToHttp().getRequest() : context.getArgByIndex(0);
    return this.resilience.executeObservable(wanted, () => next.handle(), { name: `route ${name}`, args: [request] });
  }
}
