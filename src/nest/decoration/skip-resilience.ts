import { SKIP_KEY } from '../runtime/keys.js';

/**
 * Leaves a method, or all methods of a class, out of what is declared for more than it: the policies on its class (and on
 * base classes), and those of an application-wide `ResilienceInterceptor`. The method's own decorators count.
 */
export function SkipResilience(): ClassDecorator & MethodDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    Reflect.defineMetadata(SKIP_KEY, true, descriptor === undefined ? target : (descriptor.value as object));
  };
}

/** Whether `@SkipResilience()` stands on any of these: a method, its class. */
export function skipsResilience(...targets: readonly object[]): boolean {
  return targets.some((target) => Reflect.getMetadata(SKIP_KEY, target) === true);
}
