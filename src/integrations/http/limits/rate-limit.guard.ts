import { Inject, Injectable, mixin, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { ResilienceConfigError, ResilienceError, ResilienceService } from '../../../index.js';
import { STARTS, type Startup } from '../../../nest/runtime/startup.js';
import { clientIp, type ClientRequest } from '../client-key.js';
import { contextsRule, inboundOf, type InboundType } from '../inbound.js';
import { callback, flag, formatValue, type Rules } from '../../../options/index.js';
import { checkOptions } from '../check-options.js';
import { isSkipped, routesBehind, type Class, type Handler, type Route } from '../routes/route-finder.js';
import { RouteTables } from '../routes/route-table.js';
import { Limit, type LimitArguments, type RouteLimit } from './limit.js';
import { tellLimits } from './rate-limit-fields.js';
import { limitsAt } from './route-rate-limit.js';
import { takeAll } from './take-all.js';

/** What `RateLimitGuard.of` takes. */
export interface RateLimitGuardOptions<Request = ClientRequest> {
  /** All of them count: a request that one rejects uses up none of the others, where no limit waits (`maxWait`). */
  readonly limits: RouteLimit<Request> | readonly RouteLimit<Request>[];
  /**
   * Who is counted together; `undefined` or `null` means all who have no key.
   * @default clientIp
   */
  readonly key?: NonNullable<RouteLimit<Request>['key']>;
  /** Requests that no limit counts. */
  readonly skipIf?: (request: Request, context: ExecutionContext) => boolean;
  /**
   * Which handlers are limited. Over RPC only TCP knows who calls, so that all callers share one limit elsewhere.
   * @default ['http', 'graphql', 'ws']
   */
  readonly contexts?: readonly InboundType[];
  /**
   * Tells clients what is left, by the fields `RateLimit-Policy` and `RateLimit`.
   * @default true
   */
  readonly headers?: boolean;
}

const DEFAULT_CONTEXTS: readonly InboundType[] = ['http', 'graphql', 'ws'];

/** What is in a limit is looked at where it is compiled, under the name of its route. */
const RULES: Rules = {
  limits: {
    expects: "a limit like { limit: 100, per: '1m' }, or a list of them",
    read(value, path, problems) {
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      if (list.length === 0) problems.add(`${path} must name one limit at least, got []`);
      const others = list.filter((one) => typeof one !== 'object' || one === null);
      for (const one of others) problems.add(`${path} must be ${this.expects}, got ${formatValue(one)}`);
      return list.length === 0 || others.length > 0 ? undefined : list;
    },
  },
  key: callback('(request, context) => string'),
  skipIf: callback('(request, context) => boolean'),
  contexts: contextsRule,
  headers: flag({}),
};

/**
 * Limits routes before anything else of them runs, so also guessing at credentials that a later guard checks:
 * `{ provide: APP_GUARD, useClass: RateLimitGuard.of({ limits: { limit: 100, per: '1m' } }) }`, or `@UseGuards(...)`. What is too much is
 * answered by 429 with `Retry-After`; `@RouteRateLimit` and `@SkipRateLimit` say otherwise for single handlers.
 */
@Injectable()
export abstract class RateLimitGuard implements CanActivate {
  protected abstract readonly options: RateLimitGuardOptions<never>;
  /** @internal */
  protected abstract readonly books: RouteTables<readonly Limit[]>;

  /** @internal */
  constructor(
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /** A guard with these limits. Each class that this gives counts by itself, but for limits with a name. */
  static of<Request = ClientRequest>(options: RateLimitGuardOptions<Request>): Type<RateLimitGuard> {
    class Limits extends RateLimitGuard {
      // Of the class: Nest makes an instance in each module that names the guard, and they are one guard all the same.
      private static readonly books = new RouteTables<readonly Limit[]>();
      protected readonly options = options as RateLimitGuardOptions<never>;
      protected readonly books = Limits.books;
    }
    return mixin(Limits);
  }

  /** @throws RateLimitExceededError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const inbound = inboundOf(context);
    const { contexts = DEFAULT_CONTEXTS, headers = true } = this.options;
    if (inbound === undefined || !contexts.includes(inbound.type)) return true;
    const args: LimitArguments<never> = [inbound.request as never, context];
    const limits = this.limitsOf(context.getClass(), context.getHandler());
    if (limits.length === 0 || this.isExempt(args)) return true;
    const tell = (): void => {
      if (!headers || inbound.response === undefined) return;
      const told = limits.flatMap((limit) => limit.told(args));
      tellLimits(this.adapterHost.httpAdapter, inbound.response, told);
    };
    try {
      const passes = await takeAll(limits, args, inbound);
      tell();
      return passes;
    } catch (error) {
      if (error instanceof ResilienceError) tell();
      throw error;
    }
  }

  /** @internal */
  get [STARTS](): Startup {
    return {
      compile: () => this.compile(),
      unmatched: () => [],
      reads: (controller, handler) =>
        this.behind().some((route) => route.controller === controller && (route.handler as object) === handler),
    };
  }

  private compile(): readonly string[] {
    const checked = checkOptions('RateLimitGuard', RULES, this.options, ['contexts'], ['limits']);
    if (!checked.isUsable) return checked.problems;
    const problems = [...checked.problems];
    for (const { controller, handler } of this.behind()) {
      try {
        this.limitsOf(controller, handler);
      } catch (error) {
        if (!(error instanceof ResilienceConfigError)) throw error;
        problems.push(...error.problems);
      }
    }
    return problems;
  }

  private behind(): readonly Route[] {
    const { contexts = DEFAULT_CONTEXTS } = this.options;
    return routesBehind(this.constructor as Class, 'guard', this.modules).filter(({ type }) => contexts.includes(type));
  }

  private limitsOf(controller: Class, handler: Handler): readonly Limit[] {
    return this.books.of(this.resilience).at(controller, handler, () => {
      if (isSkipped(controller, handler)) return [];
      const { limits, key = clientIp } = this.options;
      const wanted = limitsAt(controller, handler, [limits].flat());
      return wanted.map((limit, index) => {
        const name = limit.name ?? (index === 0 ? 'default' : `default-${index + 1}`);
        const id = `limit ${controller.name}.${handler.name}${name === 'default' ? '' : ` ${name}`}`;
        return new Limit(this.resilience, id, { ...limit, key: limit.key ?? key }, name);
      });
    });
  }

  /** Only true means yes: a promise is a mistake, which must not let everybody pass. */
  private isExempt(args: LimitArguments<never>): boolean {
    const answer: unknown = this.options.skipIf?.(...args) ?? false;
    if (typeof answer !== 'boolean') throw new TypeError('RateLimitGuard: skipIf must give true or false, and no promise');
    return answer;
  }
}
