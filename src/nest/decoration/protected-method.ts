import { Observable } from 'rxjs';
import type { DeclaredLevel, Order } from '../../config/index.js';
import type { Method } from '../../engine/call/call.js';
import type { PolicyDeclaration } from '../../engine/contract/kind.js';
import type { ProtectedOperation } from '../../engine/pipeline/protected-operation.js';
import { skipsResilience } from './skip-resilience.js';

export type { Method };
export type Class = abstract new (...args: never[]) => object;

/** What was declared on one method, or on one class, in the order of decoration (the lowest decorator first). */
export interface Declarations {
  readonly policies: PolicyDeclaration[];
  readonly presets: string[];
  order?: Order;
}

/** A method that a decorator of ours was put on, or that a decorated class has. Made at class load, once. */
export interface ProtectedMethod {
  /** Its place in what each class knows of its methods: unique in the line of a class and its base classes. */
  readonly slot: number;
  readonly declaringClass: Class;
  readonly key: string | symbol;
  readonly original: Method;
  readonly own: Declarations;
  /** The classes whose decorators reach it, weakest first. */
  readonly classes: readonly Class[];
  /** Where it takes its attempt context. */
  readonly attemptAt: number | undefined;
  /** What it gives: from metadata, else learnt from the first value. */
  returns: 'promise' | 'observable' | undefined;
  /** The only instance that Nest made of a class, and what protects this method of it: most calls need look no further. */
  soleInstance: object | undefined;
  soleOperation: ProtectedOperation | undefined;
  /** `@SkipResilience()` stands on it: what its classes declare does not count. */
  ownOnly: boolean;
  /** Another library's wrapper stands between two decorators of ours: two pipelines, one in the other. */
  readonly nestedIn: ProtectedMethod | undefined;
}

/** Counts the protected methods of a class and its base classes; known to all copies of the library in the process. */
const SLOTS = Symbol.for('nestjs-bulwark: how many protected methods a class has');

function nextSlot(prototype: object): number {
  const slot = (prototype as Record<symbol, number | undefined>)[SLOTS] ?? 0;
  Object.defineProperty(prototype, SLOTS, { value: slot + 1, configurable: true });
  return slot;
}

const byWrapper = new WeakMap<Method, ProtectedMethod>();
const byPrototype = new WeakMap<object, Map<string | symbol, ProtectedMethod>>();
const ofClasses = new WeakMap<Class, Declarations>();
const attemptParameters = new WeakMap<object, Map<string | symbol, number>>();

/** The record of a function that is a wrapper of ours. */
export function methodOfWrapper(wrapper: unknown): ProtectedMethod | undefined {
  return typeof wrapper === 'function' ? byWrapper.get(wrapper as Method) : undefined;
}

/** The records of the methods that a prototype itself has. */
export function methodsOfPrototype(prototype: object): ReadonlyMap<string | symbol, ProtectedMethod> {
  return byPrototype.get(prototype) ?? new Map();
}

/** What the decorators on a class declare; made empty where there are none yet. */
export function declarationsOf(target: Class): Declarations {
  let declarations = ofClasses.get(target);
  if (declarations === undefined) ofClasses.set(target, (declarations = { policies: [], presets: [] }));
  return declarations;
}

/** Notes where a method takes its attempt context. */
export function noteAttemptParameter(prototype: object, key: string | symbol, index: number): void {
  let parameters = attemptParameters.get(prototype);
  if (parameters === undefined) attemptParameters.set(prototype, (parameters = new Map<string | symbol, number>()));
  parameters.set(key, index);
}

/** Makes the record of a method that becomes protected. `base` is the record of the method that it inherits. */
export function describeMethod(
  prototype: object,
  key: string | symbol,
  original: Method,
  base: ProtectedMethod | undefined,
): ProtectedMethod {
  const declaringClass = prototype.constructor as Class;
  return {
    slot: nextSlot(prototype),
    declaringClass,
    key,
    original: base?.original ?? original,
    own: base?.own ?? { policies: [], presets: [] },
    classes: [...(base?.classes ?? []), declaringClass],
    attemptAt: base?.attemptAt ?? attemptParameters.get(prototype)?.get(key),
    returns: base?.returns ?? promised(prototype, key, original),
    soleInstance: undefined,
    soleOperation: undefined,
    ownOnly: base?.ownOnly ?? false,
    nestedIn: byPrototype.get(prototype)?.get(key),
  };
}

/** Makes a wrapper known. */
export function remember(prototype: object, method: ProtectedMethod, wrapper: Method): void {
  byWrapper.set(wrapper, method);
  let methods = byPrototype.get(prototype);
  if (methods === undefined) byPrototype.set(prototype, (methods = new Map<string | symbol, ProtectedMethod>()));
  methods.set(method.key, method);
}

const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new () => object;

/** What a method gives as far as can be told without calling it: native async functions, and what TypeScript wrote down. */
export function promised(prototype: object, key: string | symbol, method: Method): ProtectedMethod['returns'] {
  if (method instanceof AsyncFunction) return 'promise';
  const type: unknown = Reflect.getMetadata('design:returntype', prototype, key);
  if (type === Promise) return 'promise';
  const isObservable = typeof type === 'function' && (type === Observable || type.prototype instanceof Observable);
  return isObservable ? 'observable' : undefined;
}

/** The protected methods that an instance of a class is called by, those of base classes included, without what is overridden. */
export function methodsOf(target: Class): readonly ProtectedMethod[] {
  const seen = new Set<string | symbol>();
  const found: ProtectedMethod[] = [];
  for (const prototype of prototypesOf(target)) {
    for (const [key, method] of methodsOfPrototype(prototype)) if (!seen.has(key)) found.push(method);
    for (const key of Reflect.ownKeys(prototype)) seen.add(key);
  }
  return found;
}

/** Whether a class reaches a method by its name, and not only by `super`. */
export function reaches(target: Class, method: ProtectedMethod): boolean {
  for (const prototype of prototypesOf(target)) {
    if (Object.hasOwn(prototype, method.key)) return methodsOfPrototype(prototype).get(method.key) === method;
  }
  return false;
}

/** The prototype of a class and those above it, the class's own first. */
export function* prototypesOf(target: Class): Generator<object> {
  for (let prototype = target.prototype as object | null; prototype !== null && prototype !== Object.prototype;) {
    yield prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}

function level(source: string, { policies, presets, order }: Declarations): DeclaredLevel {
  return { source, policies: policies.toReversed(), presets: presets.toReversed(), order };
}

/** What was declared for a method of a class that owns the operation, weakest level first, each in the order of the source. */
export function levelsOf(method: ProtectedMethod, owner: Class): readonly DeclaredLevel[] {
  const classes = method.ownOnly || skipsResilience(owner) ? [] : method.classes;
  return [...classes.map((target) => level('class', declarationsOf(target))), level('method', method.own)];
}
