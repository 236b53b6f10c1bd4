import { ResilienceConfigError } from '../../engine/error.js';
import type { ProtectedOperation } from '../../engine/pipeline/protected-operation.js';
import { Resilience } from '../../application/resilience.js';
import { RUNTIME_BRAND } from './keys.js';
import { levelsOf, methodsOf, reaches, type Class, type ProtectedMethod } from '../decoration/protected-method.js';

/** Where `@Sse()` of Nest leaves its mark. */
const SSE = '__sse__';

/** What to do when a decorated method runs on an instance that is not managed by Nest. */
export type Unmanaged = 'warn' | 'allow' | 'throw';

/**
 * What is injected into every instance with decorated methods. It has no dependencies, so that whatever the options
 * depend on can have decorated methods too; until `fill` a call runs under its decorators and the library's defaults.
 */
export class ResilienceRuntime {
  readonly [RUNTIME_BRAND] = RUNTIME_BRAND;
  resilience: Resilience | undefined;
  unmanaged: Unmanaged = 'warn';
  /** How long a shutdown waits for who stands in a line. */
  drainMs = 0;
  /** Writes down what happens, where that is wanted. */
  log: { settle(): void; close(): void } | undefined;
  /** Told of instances with listeners that Nest makes after the start. */
  onListener: ((instance: object) => void) | undefined;
  private readonly byClass = new Map<Class, ClassRuntime>();
  private interim: Resilience | undefined;
  /** Everything that was found is compiled, under the options of the application. */
  started = false;

  /** The options are known. */
  setResilience(resilience: Resilience, unmanaged: Unmanaged): void {
    this.resilience = resilience;
    this.unmanaged = unmanaged;
    this.interim?.close().catch(() => undefined); // it shares nothing, and nobody waits in it
    this.interim = undefined;
    for (const classRuntime of this.byClass.values()) classRuntime.clear();
  }

  /**
   * What the instances of a class carry. After the start the operations of a new class are compiled at once, so that
   * mistakes show when Nest makes its first instance.
   */
  of(target: Class): ClassRuntime {
    let classRuntime = this.byClass.get(target);
    if (classRuntime === undefined) {
      this.byClass.set(target, (classRuntime = new ClassRuntime(this, target)));
      const problems = this.started ? classRuntime.compile() : [];
      if (problems.length > 0) throw new ResilienceConfigError(problems);
    }
    return classRuntime;
  }

  /** Compiles everything that was found, and whatever else Nest has made so far; gives what is wrong with it. */
  start(found: Iterable<Class>): readonly string[] {
    for (const target of found) this.of(target);
    this.started = true;
    return [...new Set([...this.byClass.values()].flatMap((classRuntime) => classRuntime.compile()))];
  }

  /** The classes whose instances have got it so far. */
  classes(): readonly Class[] {
    return [...this.byClass.keys()];
  }

  /** The application is closed: nothing of it may be kept alive by its classes. */
  releaseInstances(): void {
    this.started = false;
    for (const classRuntime of this.byClass.values()) classRuntime.releaseInstance();
  }

  /** Compiles a method for the class that owns the operation. */
  protect(method: ProtectedMethod, owner: Class): ProtectedOperation {
    const resilience = this.resilience ?? (this.interim ??= new Resilience());
    return resilience.protect(
      { id: `${owner.name}.${String(method.key)}`, levels: levelsOf(method, owner), target: owner.prototype as object, decorated: true },
      { contextAt: method.attemptAt, onlyAsync: true, endsLimits: endsLimitsOf(method, owner) },
    );
  }
}

/** The runtime as the instances of one class see it: the operations of their methods, by slot. */
export class ClassRuntime {
  private operations: (ProtectedOperation | undefined)[] = [];
  private instances = 0;

  constructor(
    private readonly runtime: ResilienceRuntime,
    private readonly target: Class,
  ) {}

  /** Nest has made an instance. Only of a class that has a single one do the methods remember it. */
  countInstance(): void {
    this.instances++;
    if (this.instances === 2) this.releaseInstance();
  }

  /** What protects a method of an instance. */
  operationFor(method: ProtectedMethod, instance: object): ProtectedOperation {
    const operation = this.operation(method);
    if (this.instances === 1 && this.runtime.started && method.soleInstance === undefined) {
      method.soleInstance = instance;
      method.soleOperation = operation;
    }
    return operation;
  }

  /** Lets the methods forget an instance of this class. */
  releaseInstance(): void {
    for (const method of methodsOf(this.target)) {
      if (method.soleOperation !== undefined && method.soleOperation === this.operations[method.slot])
        method.soleInstance = method.soleOperation = undefined;
    }
  }

  /** The operation of a method, compiled where it is not yet. */
  operation(method: ProtectedMethod): ProtectedOperation {
    let operation = this.operations[method.slot];
    if (operation === undefined) {
      // A decorated `super.method()` below a decorated override is an operation of the class that declares it.
      const isOwn = this.target === method.declaringClass || reaches(this.target, method);
      operation = isOwn ? this.runtime.protect(method, this.target) : this.runtime.of(method.declaringClass).operation(method);
      this.operations[method.slot] = operation;
    }
    return operation;
  }

  /** What Nest calls without a look at its promise was rejected. */
  callbackFailed(method: ProtectedMethod, error: unknown): void {
    this.runtime.resilience?.environment.callbackFailed(`${this.target.name}.${String(method.key)}`, undefined, error);
  }

  /** Compiles all methods; gives what is wrong with them. */
  compile(): readonly string[] {
    const problems: string[] = [];
    for (const method of methodsOf(this.target)) {
      try {
        this.operation(method);
      } catch (error) {
        if (!(error instanceof ResilienceConfigError)) throw error;
        problems.push(...error.problems);
      }
    }
    return problems;
  }

  /** Everything must be compiled anew. */
  clear(): void {
    this.operations = [];
  }
}

/** A stream of server-sent events is answered by its first one: what comes later has no time limit. */
function endsLimitsOf({ key, original }: ProtectedMethod, owner: Class): (() => boolean) | undefined {
  const wrapper: unknown = (owner.prototype as Record<string | symbol, unknown>)[key];
  return [original, wrapper].some((one) => typeof one === 'function' && Reflect.hasMetadata(SSE, one)) ? () => true : undefined;
}

export function isRuntime(value: unknown): value is ResilienceRuntime {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[RUNTIME_BRAND] === RUNTIME_BRAND;
}
