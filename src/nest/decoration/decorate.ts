import { ResilienceConfigError } from '../../engine/error.js';
import { isHook } from './hooks.js';
import { protectMethod } from './method-wrapper.js';
import { declarationsOf, methodOfWrapper, promised, prototypesOf, type Class, type Declarations, type Method } from './protected-method.js';
import { skipsResilience } from './skip-resilience.js';

/** For each decorated class the methods that its decorators pass by, because nothing says that they are async. */
const skipped = new WeakMap<Class, readonly SkippedMethod[]>();

export interface SkippedMethod {
  readonly name: string;
  /** Other decorators stand on it, so it is Nest that calls it: a route, a handler of messages. */
  readonly isHandler: boolean;
}

export function skippedMethods(target: Class): readonly SkippedMethod[] {
  return skipped.get(target) ?? [];
}

/** Adds to what is declared on a method or on a class, whichever the decorator stands on. */
export function decorate(label: string, declare: (declarations: Declarations) => void) {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (typeof key === 'object')
      throw misuse(
        label,
        'needs "experimentalDecorators": true in tsconfig.json; standard (TC39) decorators have no parameter decorators and no metadata, which Nest needs',
      );
    if (key === undefined) decorateClass(label, target, declare);
    else declare(protectMethod(target, key, checkedMethod(label, target, key, descriptor)).own);
  };
}

function checkedMethod(
  label: string,
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): TypedPropertyDescriptor<Method> {
  const location = `${(typeof target === 'function' ? target : target.constructor).name}.${String(key)}`;
  if (typeof target === 'function')
    throw misuse(label, `cannot protect the static method ${location}: put it on a method of an instance that Nest manages`);
  if (descriptor === undefined) throw misuse(label, `cannot protect the field ${location}: put it on a method`);
  if (descriptor.get !== undefined || descriptor.set !== undefined)
    throw misuse(label, `cannot protect the accessor ${location}: put it on a method`);
  if (typeof descriptor.value !== 'function') throw misuse(label, `cannot protect ${location}: it is no method`);
  const type: unknown = Reflect.getMetadata('design:returntype', target, key);
  if (type === String || type === Number || type === Boolean) {
    throw misuse(
      label,
      `cannot protect ${location}: it returns a plain value (${(type as { name: string }).name.toLowerCase()}), not a Promise or an Observable`,
    );
  }
  return descriptor;
}

function decorateClass(label: string, target: object, declare: (declarations: Declarations) => void): void {
  if (typeof target !== 'function') throw misuse(label, 'stands on a class or a method');
  const decorated = target as Class;
  const prototype = decorated.prototype as object;
  const passedBy: SkippedMethod[] = [];
  const seen = new Set<string | symbol>();
  for (const level of prototypesOf(decorated)) {
    for (const key of Reflect.ownKeys(level)) {
      const descriptor = Object.getOwnPropertyDescriptor(level, key)!;
      if (seen.has(key) || typeof descriptor.value !== 'function') continue;
      seen.add(key);
      if (isHook(key, descriptor.value as Method) || isExempt(descriptor.value as Method)) continue;
      if (protectByClass(prototype, level, key, descriptor)) continue;
      passedBy.push({ name: String(key), isHandler: Reflect.getMetadataKeys(descriptor.value as object).length > 0 });
    }
  }
  skipped.set(decorated, passedBy);
  declare(declarationsOf(decorated));
}

/** Under `@SkipResilience()` a method has only what stands on itself. */
function isExempt(method: Method): boolean {
  if (!skipsResilience(method)) return false;
  const known = methodOfWrapper(method);
  if (known !== undefined) known.ownOnly = true;
  return true;
}

/** Protects a method of a decorated class, own or inherited; says whether it did. */
function protectByClass(prototype: object, level: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Method>): boolean {
  if (methodOfWrapper(descriptor.value) === undefined && promised(level, key, descriptor.value!) === undefined) return false;
  protectMethod(prototype, key, descriptor);
  Object.defineProperty(prototype, key, descriptor);
  if (level !== prototype) copyParameterMetadata(level, prototype, key);
  return true;
}

/** An inherited method that becomes an own one keeps what Nest knows of its parameters (`design:*`, route arguments). */
function copyParameterMetadata(from: object, to: object, key: string | symbol): void {
  for (const metadataKey of Reflect.getMetadataKeys(from, key) as unknown[]) {
    if (!Reflect.hasOwnMetadata(metadataKey, to, key))
      Reflect.defineMetadata(metadataKey, Reflect.getMetadata(metadataKey, from, key), to, key);
  }
}

function misuse(label: string, problem: string): ResilienceConfigError {
  return new ResilienceConfigError([`@${label} ${problem}`]);
}
