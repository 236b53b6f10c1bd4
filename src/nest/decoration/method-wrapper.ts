import 'reflect-metadata';
import { Inject } from '@nestjs/common';
import { AttemptContext } from '../../engine/call/attempt-context.js';
import { MAX_INLINE_ARGUMENTS } from '../../engine/call/call.js';
import { systemClock } from '../../engine/clock.js';
import { isThenable } from '../../engine/drivers/promises.js';
import { isGateway, mayBeUnawaited } from './hooks.js';
import { RUNTIME_KEY, RUNTIME_TOKEN } from '../runtime/keys.js';
import { noteUnmanaged } from '../runtime/live-runtimes.js';
import { describeMethod, methodOfWrapper, remember, type Class, type Method, type ProtectedMethod } from './protected-method.js';
import { isRuntime, type ClassRuntime } from '../runtime/runtime.js';
import { runObservableOrUnknown } from '../runtime/undetermined.js';

/** An instance that Nest has given its runtime to. */
type Carrier = { readonly [RUNTIME_KEY]?: ClassRuntime };

/** Makes a method a protected one, or finds that it is one already. */
export function protectMethod(prototype: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Method>): ProtectedMethod {
  const current = descriptor.value!;
  const known = methodOfWrapper(current);
  if (known !== undefined && known.declaringClass === prototype.constructor) return known;
  // A wrapper of a base class under this name is inherited: what it wraps gets a wrapper of this class.
  const method = describeMethod(prototype, key, current, known);
  const wrapper = mayBeUnawaited(key) ? heard(method, wrap(method)) : wrap(method);
  copyShape(current, wrapper);
  remember(prototype, method, wrapper);
  receiveRuntime(prototype);
  descriptor.value = wrapper;
  return method;
}

/** `arguments` is no array, and `apply` takes it all the same. */
interface AppliesArguments<Result> {
  apply(target: unknown, args: IArguments | unknown[]): Result;
}

/**
 * A plain function: a Proxy or an async function would cost several times as much. It holds nothing of an instance, so
 * request-scoped ones are never mixed up.
 */
function wrap(method: ProtectedMethod): Method {
  const original = method.original as ((...args: unknown[]) => unknown) & AppliesArguments<unknown>;
  return function (this: Carrier | undefined | null, first?: unknown, second?: unknown): unknown {
    const operation = this === method.soleInstance ? method.soleOperation : this?.[RUNTIME_KEY]?.operationFor(method, this);
    if (operation === undefined) return runUnmanaged(method, this, listOf.apply(undefined, arguments));
    if (operation.isPassThrough) return original.apply(this, arguments);
    const given = arguments.length;
    if (method.returns !== 'promise') return runObservableOrUnknown(method, operation, this, listOf.apply(undefined, arguments));
    return operation.runFew(
      this,
      original,
      given,
      first,
      second,
      given > MAX_INLINE_ARGUMENTS ? listOf.apply(undefined, arguments) : undefined,
    );
  };
}

/** No runtime has reached the instance: nothing is protected, and yet the method has the context that it counts on. */
function runUnmanaged(method: ProtectedMethod, target: unknown, args: unknown[]): unknown {
  noteUnmanaged(method, target);
  const { attemptAt, original, declaringClass, key } = method;
  if (attemptAt !== undefined && args[attemptAt] === undefined) {
    while (args.length < attemptAt) args.push(undefined);
    args[attemptAt] = new AttemptContext(1, undefined, `${declaringClass.name}.${String(key)}`, undefined, systemClock.now(), systemClock);
  }
  return original.apply(target, args as never[]);
}

/**
 * A hook of a gateway: Nest does not look at its promise, so a rejection, be it of a policy or of the method itself, would
 * end the process. It is told instead, as that of a callback.
 */
function heard(method: ProtectedMethod, wrapper: Method): Method {
  return function (this: Carrier | undefined | null, ...args: never[]): unknown {
    const result = wrapper.apply(this, args);
    const classRuntime = this?.[RUNTIME_KEY];
    if (classRuntime === undefined || !isThenable(result) || !isGateway(this!.constructor as Class)) return result;
    result.then(undefined, (error: unknown) => classRuntime.callbackFailed(method, error));
    return result;
  };
}

/** V8 hands `arguments` on without ever making an object of it, where `apply` is all that is done with it. */
const listOf: ((...args: unknown[]) => unknown[]) & AppliesArguments<unknown[]> = (...args) => args;

/** What other libraries read of a method: name, number of parameters and all metadata. */
function copyShape(from: Method, to: Method): void {
  Object.defineProperty(to, 'name', { value: from.name, configurable: true });
  Object.defineProperty(to, 'length', {
    value: from.length,
    configurable: true,
  });
  for (const key of Reflect.getMetadataKeys(from) as unknown[]) Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
}

/** Runtimes of instances that cannot take a property (`Object.freeze(this)`). */
const ofFrozen = new WeakMap<object, ClassRuntime>();

/** Lets Nest inject the runtime into the instances of a class and of its subclasses. */
function receiveRuntime(prototype: object): void {
  if (RUNTIME_KEY in prototype) return;
  Inject(RUNTIME_TOKEN)(prototype, RUNTIME_KEY);
  Object.defineProperty(prototype, RUNTIME_KEY, {
    configurable: true,
    get(this: object) {
      return ofFrozen.get(this);
    },
    set(this: object, value: unknown) {
      giveRuntime(this, value);
    },
  });
}

/** Hands an instance its runtime. Anything else (an auto-mock) is not taken for one: then the bare method runs. */
export function giveRuntime(instance: object, runtime: unknown): void {
  if (!isRuntime(runtime)) return;
  const value = runtime.of(instance.constructor as Class);
  value.countInstance();
  // Not enumerable: spread, `toEqual` and loggers need not see it.
  if (Object.isExtensible(instance)) {
    Object.defineProperty(instance, RUNTIME_KEY, {
      value,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  } else ofFrozen.set(instance, value);
}
