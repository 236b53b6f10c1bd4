import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

/** Marks an enhancer that has something to compile; the same in all copies of the library. */
export const STARTS = Symbol.for('nestjs-bulwark: has something to compile at startup');

/** What an enhancer (an interceptor, a guard) does at startup, beside the decorated methods. */
export interface Startup {
  /** Compiles what it protects; gives what is wrong with it. */
  compile(): readonly string[];
  /** Names that mean nothing, in sentences. Asked when all is known. */
  unmatched(): readonly string[];
  /** Whether it reads what `READ_BY` marks on that handler or its class. */
  reads?(controller: object, handler: object): boolean;
}

/** Marks what is said on a handler or a class for an enhancer to read: `@RouteRateLimit is for RateLimitGuard to read`. */
export const READ_BY = Symbol.for('nestjs-bulwark: is read by an enhancer');

interface Starting {
  readonly [STARTS]: Startup;
}

/** Everything of an application that has something to compile. */
export function startups(modules: ModulesContainer): readonly Startup[] {
  const found = new Set<Starting>();
  for (const { providers, injectables } of modules.values()) {
    for (const wrapper of [...providers.values(), ...injectables.values()]) {
      const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
      if (isStarting(instance)) found.add(instance);
    }
  }
  return [...found].map((starting) => starting[STARTS]);
}

/** What is said on handlers and classes that nothing reads, in sentences. */
export function unread(modules: ModulesContainer, readers: readonly Startup[]): readonly string[] {
  const scanner = new MetadataScanner();
  const found = new Set<string>();
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      const prototype = (metatype as { prototype?: unknown } | null | undefined)?.prototype;
      if (typeof prototype !== 'object' || prototype === null) continue;
      for (const key of scanner.getAllMethodNames(prototype)) {
        const handler = (prototype as Record<string, object>)[key]!;
        const said = (Reflect.getMetadata(READ_BY, handler) ?? Reflect.getMetadata(READ_BY, metatype!)) as string | undefined;
        if (said === undefined || readers.some((reader) => reader.reads?.(metatype as object, handler) === true)) continue;
        found.add(`${(metatype as { name: string }).name}.${key}: ${said}, and none stands before it`);
      }
    }
  }
  return [...found];
}

/** By its prototype's word: a mock may answer to any name. */
function isStarting(instance: unknown): instance is Starting {
  if (typeof instance !== 'object' || instance === null) return false;
  const prototype: unknown = Object.getPrototypeOf(instance);
  return typeof prototype === 'object' && prototype !== null && STARTS in prototype;
}
