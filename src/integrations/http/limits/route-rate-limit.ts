import { ResilienceConfigError } from '../../../index.js';
import { formatValue, isRecord } from '../../../options/index.js';
import { READ_BY } from '../../../nest/runtime/startup.js';
import type { Class, Handler } from '../routes/route-finder.js';
import type { ClientRequest } from '../client-key.js';
import type { RouteLimit } from './limit.js';

const LIMITS = Symbol.for('nestjs-bulwark: limits of a route');

/** What is said at one place: limits of its own, none, or those of the guard after all. */
type Said = readonly RouteLimit<never>[] | 'none' | 'those of the guard';

/** A decorator for controllers, resolvers, gateways and their handlers. */
export type RouteDecorator = ClassDecorator & MethodDecorator;

/**
 * Gives a handler, or all handlers of a class, limits of its own in place of those of `RateLimitGuard`:
 * `@RouteRateLimit({ limit: 5, per: '1m' })`. What stands at a handler wins over what stands at its class. Without a guard before
 * it nothing reads it, which is told at startup.
 * @throws ResilienceConfigError without a limit
 */
export function RouteRateLimit<Request = ClientRequest>(
  ...limits: readonly [RouteLimit<Request>, ...RouteLimit<Request>[]]
): RouteDecorator {
  const given: readonly unknown[] = limits;
  if (given.length === 0 || !given.every(isRecord)) {
    const shown = given.map(formatValue).join(', ');
    throw new ResilienceConfigError([
      `@RouteRateLimit must be given limits like { limit: 5, per: '1m' }, got ${shown === '' ? 'nothing' : shown}`,
    ]);
  }
  return say(limits, '@RouteRateLimit is for RateLimitGuard to read');
}

/** Takes a handler, or all handlers of a class, out of the limits of `RateLimitGuard`; `@SkipRateLimit(false)` takes a handler back in. */
export function SkipRateLimit(skip = true): RouteDecorator {
  return say(skip ? 'none' : 'those of the guard');
}

/** The limits of a handler; an empty list where it is taken out. */
export function limitsAt(controller: Class, handler: Handler, ofGuard: readonly RouteLimit<never>[]): readonly RouteLimit<never>[] {
  const said = [handler, controller]
    .map((location) => Reflect.getMetadata(LIMITS, location) as Said | undefined)
    .find((one) => one !== undefined);
  if (said === 'none') return [];
  return said === undefined || said === 'those of the guard' ? ofGuard : said;
}

function say(said: Said, readBy?: string): RouteDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    const location = (descriptor?.value as object | undefined) ?? target;
    Reflect.defineMetadata(LIMITS, said, location);
    if (readBy !== undefined) Reflect.defineMetadata(READ_BY, readBy, location);
  };
}
