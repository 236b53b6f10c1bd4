import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { isThenable } from '../../engine/drivers/promises.js';
import { ResilienceConfigError } from '../../engine/error.js';
import { matchesPattern, type EventBase } from '../../engine/telemetry/events.js';
import { RUNTIME_TOKEN } from '../runtime/keys.js';
import type { ResilienceRuntime } from '../runtime/runtime.js';
import { bridgeToEventEmitter } from './event-emitter-bridge.js';
import { listeningsOf, problemOf, type ListenerMetadata } from './on-resilience-event.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the methods that listen (`@OnResilienceEvent`) when the application has started, and lets them hear. */
@Injectable()
export class EventListeners implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stops: (() => void)[] = [];
  /** Classes of which it was said what is wrong with their listeners. */
  private readonly blamed = new WeakSet<object>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    @Inject(RUNTIME_TOKEN) private readonly runtime: ResilienceRuntime,
  ) {}

  /** @throws ResilienceConfigError with every listener that cannot hear what it is meant to. */
  onApplicationBootstrap(): void {
    const { resilience } = this.runtime;
    if (resilience === undefined) return;
    const wrappers = this.wrappers();
    const problems = wrappers.flatMap((wrapper) => this.listenTo(wrapper));
    if (problems.length > 0) throw new ResilienceConfigError(problems);
    const bridge = bridgeToEventEmitter(wrappers, resilience);
    if (bridge !== undefined) this.stops.push(bridge);
    this.runtime.onListener = (instance) => this.listenLate(instance);
  }

  onApplicationShutdown(): void {
    this.runtime.onListener = undefined;
    for (const stop of this.stops.splice(0)) stop();
  }

  private wrappers(): readonly Wrapper[] {
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()].filter(({ isAlias }) => !isAlias);
  }

  /** An instance of a lazy module; a mistake in it must not take the module with it. */
  private listenLate(instance: object): void {
    const target = instance.constructor;
    const own = this.wrappers().filter((wrapper) => wrapper.instance === instance || (isScoped(wrapper) && wrapper.metatype === target));
    const problems = own.flatMap((wrapper) => this.listenTo(wrapper));
    if (problems.length === 0 || this.blamed.has(target)) return;
    this.blamed.add(target);
    for (const problem of problems) this.runtime.resilience!.environment.logger.error(problem);
  }

  /** Lets the methods of a provider hear; gives what is wrong with them. */
  private listenTo(wrapper: Wrapper): readonly string[] {
    const problems: string[] = [];
    for (const { method, listening } of this.methodsOf(wrapper)) {
      const location = `${wrapper.metatype?.name ?? wrapper.name}.${method}: @OnResilienceEvent`;
      const wrong = listening.patterns.map(problemOf).filter((problem) => problem !== undefined);
      problems.push(...wrong.map((problem) => `${location} ${problem}`));
      if (isScoped(wrapper))
        problems.push(`${location} needs a provider that lives as long as the application, not one of a request or a transient one`);
      else if (wrong.length === 0) this.listen(wrapper.instance as object, method, listening, location);
    }
    return problems;
  }

  private *methodsOf({ metatype, instance }: Wrapper): Generator<{ method: string; listening: ListenerMetadata }> {
    const prototype: unknown =
      typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : (metatype?.prototype as unknown);
    if (typeof prototype !== 'object' || prototype === null) return;
    for (const method of this.scanner.getAllMethodNames(prototype)) {
      const value = (prototype as Record<string, unknown>)[method];
      if (typeof value === 'function') for (const listening of listeningsOf(value)) yield { method, listening };
    }
  }

  private listen(instance: object, method: string, { patterns, name, operation }: ListenerMetadata, location: string): void {
    const { environment } = this.runtime.resilience!;
    const failed = (error: unknown): void => environment.callbackFailed(location, undefined, error);
    const hear = (event: EventBase & { readonly policyName?: string }): void => {
      if ((name !== undefined && event.policyName !== name) || (operation !== undefined && event.operationId !== operation)) return;
      try {
        const result = (instance as Record<string, (event: EventBase) => unknown>)[method]!(event);
        if (isThenable(result)) void result.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    };
    this.stops.push(environment.events.listen(hear, { wants: (type) => patterns.some((pattern) => matchesPattern(pattern, type)) }));
  }
}

/** Whether there is more than the one instance that the wrapper holds. */
function isScoped(wrapper: Wrapper): boolean {
  return wrapper.isTransient || !wrapper.isDependencyTreeStatic();
}
