import { isObservable, type Observable } from 'rxjs';
import { ResilienceConfigError } from '../engine/error.js';
import type { ProtectedOperation } from '../engine/protected-operation.js';
import { Resilience } from '../resilience.js';
import { RUNTIME_BRAND } from './keys.js';
import { levelsOf, methodsOf, reaches, type Class, type Method, type ProtectedMethod } from './protected-method.js';

/** What to do when a decorated method runs on an instance that is not managed by Nest. */
export type Unmanaged = 'warn' | 'allow' | 'throw';

/** A method as one class runs it: its record and its compiled operation. */
interface Entry {
  readonly target: Class;
  readonly operation: ProtectedOperation;
}

/**
 * What is injected into every instance with decorated methods. It has no dependencies, so that whatever the options
 * depend on can have decorated methods too; until `fill` a call runs under its decorators and the library's defaults.
 */
export class ResilienceRuntime {
  readonly [RUNTIME_BRAND] = RUNTIME_BRAND;
  resilience: Resilience | undefined;
  unmanaged: Unmanaged = 'warn';
  /** By the method's index: the class that called last, so that most calls look up nothing. */
  private latest: (Entry | undefined)[] = [];
  private byClass = new Map<Class, Map<ProtectedMethod, Entry>>();
  private interim: Resilience | undefined;
  private started = false;
  private readonly adopted = new Set<Class>();

  /** The options are known. */
  fill(resilience: Resilience, unmanaged: Unmanaged): void {
    this.resilience = resilience;
    this.unmanaged = unmanaged;
    this.interim?.close();
    this.interim = undefined;
    this.latest = [];
    this.byClass = new Map();
  }

  /** Runs a protected method. */
  call(method: ProtectedMethod, target: { readonly constructor: unknown }, args: readonly unknown[]): unknown {
    const latest = this.latest[method.index];
    const { operation } =
      latest !== undefined && latest.target === target.constructor ? latest : this.entryFor(method, target.constructor as Class);
    if (operation.isBare) return method.original.apply(target, args as never[]);
    if (method.gives === 'promise') return operation.run(target, method.original, args);
    if (method.gives === 'observable') return operation.observe(target, method.original, args);
    return this.learn(method, operation, target, args);
  }

  /** An instance of that class was made by Nest. After the start its operations are compiled at once, so that mistakes show. */
  adopt(target: Class): void {
    if (!this.started) this.adopted.add(target);
    else if (!this.byClass.has(target)) {
      const problems = this.compile(target);
      if (problems.length > 0) throw new ResilienceConfigError(problems);
    }
  }

  /** Compiles everything that Nest has made so far; gives what is wrong with it. */
  start(found: Iterable<Class>): readonly string[] {
    const problems = [...new Set([...found, ...this.adopted])].flatMap((target) => this.compile(target));
    this.started = true;
    this.adopted.clear();
    return problems;
  }

  private compile(target: Class): readonly string[] {
    const problems: string[] = [];
    if (!this.byClass.has(target)) this.byClass.set(target, new Map());
    for (const method of methodsOf(target)) {
      try {
        this.entryFor(method, target);
      } catch (error) {
        if (!(error instanceof ResilienceConfigError)) throw error;
        problems.push(...error.problems);
      }
    }
    return problems;
  }

  private entryFor(method: ProtectedMethod, target: Class): Entry {
    let entries = this.byClass.get(target);
    if (entries === undefined) this.byClass.set(target, (entries = new Map<ProtectedMethod, Entry>()));
    let entry = entries.get(method);
    if (entry === undefined) {
      // A decorated `super.method()` below a decorated override is an operation of the class that declares it.
      const owner = reaches(target, method) ? target : method.declaringClass;
      entry = { target, operation: owner === target ? this.protect(method, owner) : this.entryFor(method, owner).operation };
      entries.set(method, entry);
    }
    this.latest[method.index] = entry;
    return entry;
  }

  private protect(method: ProtectedMethod, owner: Class): ProtectedOperation {
    const resilience = this.resilience ?? (this.interim ??= new Resilience());
    return resilience.protect(
      { id: `${owner.name}.${String(method.key)}`, levels: levelsOf(method), target: owner.prototype as object, decorated: true },
      { contextAt: method.attemptAt, onlyAsync: true },
    );
  }

  /** The first call of a method without a known type tells what it gives. */
  private learn(method: ProtectedMethod, operation: ProtectedOperation, target: unknown, args: readonly unknown[]): unknown {
    const result = operation.probe(target, method.original, args, isObservable);
    if (!isObservable(result)) {
      method.gives = 'promise';
      return result;
    }
    method.gives = 'observable';
    return operation.observe(target, givenOnce(result, method.original), args);
  }
}

/** A method whose first call has been made already. */
function givenOnce(result: Observable<unknown>, method: Method): Method {
  let given = false;
  return function (this: unknown, ...args: never[]) {
    if (given) return method.apply(this, args);
    given = true;
    return result;
  };
}

export function isRuntime(value: unknown): value is ResilienceRuntime {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[RUNTIME_BRAND] === RUNTIME_BRAND;
}
