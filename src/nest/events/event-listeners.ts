import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { ResilienceConfigError } from '../../engine/error.js';
import { meets, type EventBase } from '../../engine/telemetry/events.js';
import { RUNTIME_TOKEN } from '../keys.js';
import type { ResilienceRuntime } from '../runtime.js';
import { bridgeToEventEmitter } from './event-emitter-bridge.js';
import { listeningsOf, problemOf, type Listening } from './on-resilience-event.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the methods that listen (`@OnResilienceEvent`) when the application has started, and lets them hear. */
@Injectable()
export class EventListeners implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stops: (() => void)[] = [];

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    @Inject(RUNTIME_TOKEN) private readonly runtime: ResilienceRuntime,
  ) {}

  /** @throws ResilienceConfigError with every listener that cannot hear what it is meant to. */
  onApplicationBootstrap(): void {
    const { resilience } = this.runtime;
    if (resilience === undefined) return;
    const problems: string[] = [];
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()].filter(({ isAlias }) => !isAlias);
    for (const wrapper of wrappers) {
      for (const { method, listening } of this.methodsOf(wrapper)) {
        const place = `${wrapper.metatype?.name ?? wrapper.name}.${method}: @OnResilienceEvent`;
        const wrong = listening.patterns.map(problemOf).filter((problem) => problem !== undefined);
        problems.push(...wrong.map((problem) => `${place} ${problem}`));
        if (!wrapper.isDependencyTreeStatic())
          problems.push(`${place} needs a provider that lives as long as the application, not one of a request`);
        else if (wrong.length === 0) this.listen(wrapper.instance as object, method, listening, place);
      }
    }
    if (problems.length > 0) throw new ResilienceConfigError(problems);
    const bridge = bridgeToEventEmitter(wrappers, resilience);
    if (bridge !== undefined) this.stops.push(bridge);
  }

  onApplicationShutdown(): void {
    for (const stop of this.stops.splice(0)) stop();
  }

  private *methodsOf({ metatype, instance }: Wrapper): Generator<{ method: string; listening: Listening }> {
    const prototype: unknown =
      typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : (metatype?.prototype as unknown);
    if (typeof prototype !== 'object' || prototype === null) return;
    for (const method of this.scanner.getAllMethodNames(prototype)) {
      const value = (prototype as Record<string, unknown>)[method];
      if (typeof value === 'function') for (const listening of listeningsOf(value)) yield { method, listening };
    }
  }

  private listen(instance: object, method: string, { patterns, name, operation }: Listening, place: string): void {
    const { environment } = this.runtime.resilience!;
    const failed = (error: unknown): void => environment.callbackFailed(place, undefined, error);
    const hear = (event: EventBase & { readonly policyName?: string }): void => {
      if ((name !== undefined && event.policyName !== name) || (operation !== undefined && event.operationId !== operation)) return;
      try {
        const result = (instance as Record<string, (event: EventBase) => unknown>)[method]!(event);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
    this.stops.push(environment.events.listen(hear, { wants: (type) => patterns.some((pattern) => meets(pattern, type)) }));
  }
}
