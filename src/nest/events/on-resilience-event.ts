import { eventPatterns, type EventOf, type EventPattern } from '../../policies/index.js';
import { Inject, Optional } from '@nestjs/common';
import { formatValue, suggestion } from '../../options/index.js';
import { LISTENER_KEY, RUNTIME_TOKEN } from '../runtime/keys.js';
import { isRuntime } from '../runtime/runtime.js';

/** Which events a listener hears, beside their type. */
export interface OnResilienceEventOptions {
  /** Only of the policy of that name. */
  readonly name?: string;
  /** Only of the operation of that id: `PaymentsClient.charge`. */
  readonly operation?: string;
}

/** What the decorator leaves on a method. */
export interface ListenerMetadata extends OnResilienceEventOptions {
  readonly patterns: readonly string[];
}

const LISTENINGS = Symbol.for('nestjs-bulwark: listener of events');

/** A method that may hear the events of a pattern. Its result is not waited for; a rejection is logged. */
export type EventMethodDecorator<Event> = <Method extends (event: Event) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/**
 * Calls a method of a provider or controller when something happens: `@OnResilienceEvent('circuit-breaker.*', { name: 'payments' })`.
 * A pattern is a type of event, all of a group (`circuit-breaker.*`) or all of them (`*`). A listener that throws or rejects
 * is logged and harms nothing. `operation.succeeded` and `operation.failed` come with every call, so who listens to them,
 * or to `*`, makes each call dearer.
 */
export function OnResilienceEvent<const Pattern extends EventPattern>(
  pattern: Pattern | readonly Pattern[],
  options: OnResilienceEventOptions = {},
): EventMethodDecorator<EventOf<Pattern>> {
  const patterns: readonly string[] = Array.isArray(pattern) ? (pattern as readonly Pattern[]) : [pattern as Pattern];
  return (target, _key, { value }) => {
    const listenings = listeningsOf(value!);
    Reflect.defineMetadata(LISTENINGS, [...listenings, { ...options, patterns }], value!);
    announceInstances(target);
  };
}

/** An instance that Nest makes after the start (a lazy module's) is heard of when Nest injects the runtime into it. */
function announceInstances(prototype: object): void {
  if (LISTENER_KEY in prototype) return;
  Optional()(prototype, LISTENER_KEY);
  Inject(RUNTIME_TOKEN)(prototype, LISTENER_KEY);
  Object.defineProperty(prototype, LISTENER_KEY, {
    configurable: true,
    set(this: object, runtime: unknown) {
      if (isRuntime(runtime)) runtime.onListener?.(this);
    },
  });
}

export function listeningsOf(method: object): readonly ListenerMetadata[] {
  return (Reflect.getOwnMetadata(LISTENINGS, method) as readonly ListenerMetadata[] | undefined) ?? [];
}

/** What is wrong with a pattern, if anything. */
export function problemOf(pattern: unknown): string | undefined {
  return (eventPatterns as readonly unknown[]).includes(pattern)
    ? undefined
    : `there is no event ${formatValue(pattern)}${suggestion(String(pattern), eventPatterns)}`;
}
