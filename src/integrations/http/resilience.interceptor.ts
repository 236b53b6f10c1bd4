import { Inject, Injectable, mixin, type CallHandler, type ExecutionContext, type NestInterceptor, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { ResilienceConfigError, ResilienceService, type Policy } from '../../index.js';
import { STARTS, type Startup } from '../../nest/runtime/startup.js';
import { anything, formatValue, isRecord, nearest, rule, type Rules } from '../../options/index.js';
import { contextsRule, inboundOf, type InboundType } from './inbound.js';
import { LimitBoard } from './limits/limit-board.js';
import { checkOptions } from './check-options.js';
import { RouteTables } from './routes/route-table.js';
import { findRoutes, isSkipped, routesBehind, type Class, type Handler } from './routes/route-finder.js';
import { isFile, RouteRun } from './routes/route-run.js';

/** Which policy protects which route. Key, cost, priority and fallback functions get the request, and the context behind it. */
export interface ResilienceInterceptorOptions {
  /** For every route that is not named. */
  readonly policy?: Policy;
  /** By `Controller.handler`; `undefined` leaves a route alone. */
  readonly routes?: Readonly<Record<string, Policy | undefined>>;
  /**
   * Which handlers are protected.
   * @default ['http']
   */
  readonly contexts?: readonly InboundType[];
}

/** Policies are looked at where they are compiled, under the name of their route. */
const RULES: Rules = {
  policy: anything(),
  routes: rule('an object of policies by "Controller.handler"', (value) => (isRecord(value) ? value : undefined)),
  contexts: contextsRule,
};

type Operation = ReturnType<ResilienceService['protect']>;

/** Where `@Sse()` of Nest leaves its mark. */
const SSE = '__sse__';

/**
 * Protects the routes of a controller or of a whole application, each as an operation `route Controller.handler` with state of
 * its own: `{ provide: APP_INTERCEPTOR, useClass: ResilienceInterceptor.of({ policy }) }`. A breaker hears of the errors
 * that a handler throws and of a status that it sets by hand; 400-499 is no failure. Interceptors run after guards: to limit who
 * guesses at credentials that a guard checks, see `RateLimitGuard`.
 */
@Injectable()
export abstract class ResilienceInterceptor implements NestInterceptor {
  protected abstract readonly options: ResilienceInterceptorOptions;
  /** @internal */
  protected abstract readonly books: RouteTables<Operation | undefined>;

  /** @internal */
  constructor(
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /** An interceptor with these policies. Each class that this gives has operations of its own. */
  static of(options: ResilienceInterceptorOptions): Type<ResilienceInterceptor> {
    class Routes extends ResilienceInterceptor {
      // Of the class: Nest makes an instance in each module that names the interceptor.
      private static readonly books = new RouteTables<Operation | undefined>();
      protected readonly options = options;
      protected readonly books = Routes.books;
    }
    return mixin(Routes);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const inbound = inboundOf(context);
    if (inbound === undefined || !this.isWanted(inbound.type)) return next.handle();
    const operation = this.operationOf(context.getClass(), context.getHandler());
    if (operation === undefined || operation.isPassThrough) return next.handle();
    const args = [inbound.request, context];
    if (inbound.type !== 'http') return operation.observe(undefined, () => next.handle(), args);
    const run = new RouteRun(inbound.response!);
    const answer = run.answer(operation.observe(undefined, () => run.attempt(() => next.handle()), args));
    return LimitBoard.of(this.resilience).watch(answer, context);
  }

  /** @internal */
  get [STARTS](): Startup {
    return { compile: () => this.compile(), unmatched: () => this.unmatched() };
  }

  private compile(): readonly string[] {
    const checked = checkOptions('ResilienceInterceptor', RULES, this.options, ['routes', 'contexts']);
    if (!checked.isUsable) return checked.problems;
    const problems = [...checked.problems];
    for (const { controller, handler, type } of routesBehind(this.constructor as Class, 'interceptor', this.modules)) {
      if (!this.isWanted(type)) continue;
      try {
        this.operationOf(controller, handler);
      } catch (error) {
        if (!(error instanceof ResilienceConfigError)) throw error;
        problems.push(...error.problems);
      }
    }
    return problems;
  }

  private unmatched(): readonly string[] {
    const known = new Set(findRoutes(this.modules).map(({ name }) => name));
    return Object.keys(this.options.routes ?? {})
      .filter((name) => !known.has(name))
      .map((name) => {
        const meant = nearest(name, known);
        return `ResilienceInterceptor: routes: ${formatValue(name)} is no handler${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
      });
  }

  private isWanted(type: InboundType): boolean {
    return (this.options.contexts ?? ['http']).includes(type);
  }

  private operationOf(controller: Class, handler: Handler): Operation | undefined {
    return this.books.of(this.resilience).at(controller, handler, () => {
      const name = `${controller.name}.${handler.name}`;
      const { routes = {}, policy } = this.options;
      const wanted = Object.hasOwn(routes, name) ? routes[name] : policy;
      if (wanted === undefined || isSkipped(controller, handler)) return undefined;
      const streams = Reflect.hasMetadata(SSE, handler);
      return this.resilience.protect(
        { id: `route ${name}`, levels: [{ source: 'route', policies: [wanted] }], decorated: false },
        // The first event of a stream, and a file, are the answer: sending it may take as long as it likes.
        { contextAt: undefined, onlyAsync: false, endsLimits: streams ? () => true : isFile },
      );
    });
  }
}
