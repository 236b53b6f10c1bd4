import type { Resilience } from '../../application/resilience.js';

/** What is used of `EventEmitter2`, which `@nestjs/event-emitter` provides. */
interface Emitter {
  emit(name: string, value: unknown): unknown;
  hasListeners(name: string): boolean;
}

/** The class calls itself by the shorter name. */
const NAMES: ReadonlySet<unknown> = new Set(['EventEmitter', 'EventEmitter2']);

interface Provider {
  readonly name: unknown;
  readonly instance?: unknown;
}

/**
 * Where the application has `@nestjs/event-emitter`, its listeners hear our events too: `@OnEvent('resilience.circuit-breaker.opened')`,
 * with wildcards where the emitter has them. An event nobody listens to is not made. The ends of calls
 * (`operation.*`) are left out: asking the emitter at each call would cost every call.
 */
export function bridgeToEventEmitter(providers: readonly Provider[], resilience: Resilience): (() => void) | undefined {
  const emitter = providers.find(({ name, instance }) => NAMES.has(nameOf(name)) && isEmitter(instance))?.instance as Emitter | undefined;
  if (emitter === undefined) return undefined;
  return resilience.environment.events.listen((event) => void emitter.emit(named(event.type), event), {
    wants: (type) => !type.startsWith('operation.'),
    ready: (type) => emitter.hasListeners(named(type)),
  });
}

function named(type: string): string {
  return `resilience.${type}`;
}

function nameOf(token: unknown): unknown {
  return typeof token === 'function' ? token.name : token;
}

function isEmitter(value: unknown): value is Emitter {
  return typeof value === 'object' && value !== null && 'hasListeners' in value && 'emit' in value;
}
