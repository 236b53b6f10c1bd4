import type { Class } from './protected-method.js';

/** What Nest calls by itself, of providers, modules and gateways: a policy on a class is not meant for it. */
const HOOKS: ReadonlySet<string | symbol> = new Set([
  'constructor',
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
  'configure',
  'afterInit',
  'handleConnection',
  'handleDisconnect',
]);

/** Of a gateway, what Nest calls without a look at the promise that it gives. */
const NOT_AWAITED: ReadonlySet<string | symbol> = new Set(['afterInit', 'handleConnection', 'handleDisconnect']);

/** `use(request, response, next)`: a second attempt would call `next` again. */
const MIDDLEWARE_PARAMETERS = 3;

/** What `@WebSocketGateway` leaves on a class; its package is not there in every application. */
const GATEWAY_METADATA = 'websockets:is_gateway';

/** Whether the decorators of a class pass a method by, because not its users call it but Nest. */
export function isHook(key: string | symbol, method: { readonly length: number }): boolean {
  return HOOKS.has(key) || (key === 'use' && method.length >= MIDDLEWARE_PARAMETERS);
}

/** Whether a method may be one that nobody awaits, by its name. */
export function mayBeUnawaited(key: string | symbol): boolean {
  return NOT_AWAITED.has(key);
}

export function isGateway(target: Class): boolean {
  return Reflect.getMetadata(GATEWAY_METADATA, target) === true;
}
