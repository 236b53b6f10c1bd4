import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { skippedMethods, type SkippedMethod } from '../decoration/decorate.js';
import { giveRuntime } from '../decoration/method-wrapper.js';
import { methodsOf, type Class } from '../decoration/protected-method.js';
import type { ResilienceRuntime } from './runtime.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * The second net at startup: hands the runtime to instances that came from a factory or as a value, and finds every
 * class with protected methods, so that all of them are compiled and listed before the first call.
 */
@Injectable()
export class ResilienceExplorer {
  private readonly logger = new Logger('ResilienceModule');

  constructor(private readonly discovery: DiscoveryService) {}

  /** Classes with protected methods that the application has. */
  explore(runtime: ResilienceRuntime): readonly Class[] {
    const found = new Set<Class>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      if (wrapper.isAlias) continue;
      const target = isFactoryOrValue(wrapper) ? this.attachRuntime(wrapper, runtime) : (wrapper.metatype as Class | null);
      if (isClass(target) && methodsOf(target).length > 0) found.add(target);
    }
    for (const target of found) this.report(target);
    return [...found];
  }

  /** An instance that Nest did not make gets its runtime by hand, where it exists already. */
  private attachRuntime(wrapper: Wrapper, runtime: ResilienceRuntime): Class | undefined {
    const instance: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
    if (typeof instance !== 'object' || instance === null) return undefined;
    // The prototype's word, not the instance's: a mock may answer to any name.
    const prototype = Object.getPrototypeOf(instance) as { constructor?: unknown } | null;
    const target = prototype !== null && Object.hasOwn(prototype, 'constructor') ? prototype.constructor : undefined;
    if (!isClass(target) || methodsOf(target).length === 0) return undefined;
    giveRuntime(instance, runtime);
    return target;
  }

  /**
   * Methods of a class that share a queue, as they do under a named bulkhead on the class: one that calls another waits for a
   * permit that it holds itself, and without a `queueTimeout` for ever. To be asked when all is compiled.
   */
  reportSelfCalls(runtime: ResilienceRuntime): void {
    for (const target of runtime.classes()) {
      const sharing = new Map<string, string[]>();
      for (const method of methodsOf(target)) {
        for (const { kind, options } of runtime.of(target).operation(method).policies) {
          const { name, maxQueue, queueTimeout } = options as { name?: string; maxQueue?: number; queueTimeout?: number };
          if (kind.kind !== 'bulkhead' || name === undefined || !(maxQueue! > 0) || queueTimeout !== undefined) continue;
          sharing.set(name, [...(sharing.get(name) ?? []), String(method.key)]);
        }
      }
      for (const [name, methods] of sharing) {
        if (methods.length < 2) continue;
        this.logger.warn(
          `${target.name}: ${methods.join(', ')} share the queue of bulkhead "${name}", which has no queueTimeout. One that calls another waits for a permit that it holds itself, ` +
            'for ever where all others are taken too: set queueTimeout, or leave those that only methods of the class call out by @SkipResilience()',
        );
      }
    }
  }

  private report(target: Class): void {
    const skipped = skippedMethods(target);
    const handlers = skipped.filter(({ isHandler }) => isHandler);
    const others = skipped.filter(({ isHandler }) => !isHandler);
    if (handlers.length > 0) {
      this.logger.warn(
        `${target.name}: the decorators of the class do not protect ${listOf(handlers)}, because nothing says that they are async. ` +
          'Make them async, write the type Promise or Observable down, or protect the routes by a guard or an interceptor (nestjs-bulwark/http); @SkipResilience() on a method says that it is meant so.',
      );
    }
    if (others.length > 0) {
      this.logger.debug(`${target.name}: the decorators of the class pass by ${listOf(others)} (not async, or nothing says so)`);
    }
    for (const { key, nestedIn } of methodsOf(target)) {
      if (nestedIn === undefined) continue;
      this.logger.warn(
        `${target.name}.${String(key)}: another library's decorator stands between two of nestjs-bulwark, so there are two pipelines, one in the other. Put ours side by side.`,
      );
    }
  }
}

function listOf(methods: readonly SkippedMethod[]): string {
  return methods.map(({ name }) => name).join(', ');
}

function isFactoryOrValue({ inject, metatype }: Wrapper): boolean {
  return inject !== undefined || !isClass(metatype);
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}
