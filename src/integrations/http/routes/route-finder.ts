import { APP_GUARD, APP_INTERCEPTOR, MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { SKIP_KEY } from '../../../nest/runtime/keys.js';
import type { InboundType } from '../inbound.js';

export type Class = abstract new (...args: never[]) => object;
export type Handler = CallableFunction;

/** A handler as Nest calls it: its class is the concrete one, the function may be that of a base class. */
export interface Route {
  readonly controller: Class;
  readonly handler: Handler;
  /** `Controller.handler`. */
  readonly name: string;
  readonly type: InboundType;
}

/** Which enhancers are looked for. */
export type EnhancerKind = 'interceptor' | 'guard';

/** The metadata by which Nest knows handlers and enhancers; they are part of what its own packages agree on. */
const MARKS: readonly (readonly [InboundType, string])[] = [
  ['http', 'path'],
  ['rpc', 'microservices:pattern'],
  ['graphql', 'graphql:resolver_type'],
  ['graphql', 'graphql:resolve_property'],
  ['ws', 'websockets:message_mapping'],
];
const ENHANCERS: Record<EnhancerKind, { readonly metadata: string; readonly token: string }> = {
  interceptor: { metadata: '__interceptors__', token: APP_INTERCEPTOR },
  guard: { metadata: '__guards__', token: APP_GUARD },
};

/** All handlers of an application: routes, message handlers, resolvers and gateways. */
export function findRoutes(modules: ModulesContainer): readonly Route[] {
  const scanner = new MetadataScanner();
  const classes = new Set<Class>();
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) if (isClass(metatype)) classes.add(metatype);
  }
  return [...classes].flatMap((controller) =>
    scanner.getAllMethodNames(controller.prototype as object).flatMap((key): Route[] => {
      const handler = (controller.prototype as Record<string, Handler>)[key]!;
      const type = MARKS.find(([, mark]) => Reflect.hasMetadata(mark, handler))?.[0];
      return type === undefined ? [] : [{ controller, handler, name: `${controller.name}.${key}`, type }];
    }),
  );
}

/** The routes that an enhancer stands before: all of them for one of the application, else where controllers and handlers name it. */
export function routesBehind(enhancer: Class, kind: EnhancerKind, modules: ModulesContainer): readonly Route[] {
  const all = findRoutes(modules).filter(({ controller, handler }) => !isSkipped(controller, handler));
  if (isOfApplication(enhancer, kind, modules)) return all;
  const named = all.filter(({ controller, handler }) => [controller, handler].some((location) => names(location, enhancer, kind)));
  // A plain provider that nobody names is there for `app.useGlobalGuards(app.get(...))`.
  return named.length === 0 && isProvided(enhancer, modules) ? all : named;
}

/** Whether a controller or a handler is to be left alone (`@SkipResilience()`, the library's own controllers). */
export function isSkipped(controller: Class, handler: Handler): boolean {
  return [controller, handler].some((location) => Reflect.getMetadata(SKIP_KEY, location) === true);
}

function names(location: object, enhancer: Class, kind: EnhancerKind): boolean {
  const named = (Reflect.getMetadata(ENHANCERS[kind].metadata, location) ?? []) as readonly unknown[];
  return named.some((one) => one === enhancer || one instanceof enhancer);
}

function isOfApplication(enhancer: Class, kind: EnhancerKind, modules: ModulesContainer): boolean {
  for (const { providers } of modules.values()) {
    for (const [token, { metatype, instance }] of providers) {
      // Nest gives each provider of `APP_GUARD` a token of its own, which begins with that word.
      const isNamedSo = typeof token === 'string' && token.startsWith(ENHANCERS[kind].token);
      if (isNamedSo && ((metatype as unknown) === enhancer || instance instanceof enhancer)) return true;
    }
  }
  return false;
}

function isProvided(enhancer: Class, modules: ModulesContainer): boolean {
  return [...modules.values()].some(({ providers }) => [...providers.values()].some(({ metatype }) => (metatype as unknown) === enhancer));
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}
