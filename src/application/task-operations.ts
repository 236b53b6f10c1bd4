import { deepEqual, differences } from '../engine/state/deep-equal.js';
import type { OperationDeclaration } from '../config/index.js';
import { ResilienceConfigError } from '../engine/error.js';
import { dataOf, type PolicyDeclaration, type ResolvedPolicy } from '../engine/contract/kind.js';
import type { ProtectedOperation } from '../engine/pipeline/protected-operation.js';
import type { InstanceSource } from '../engine/state/registry.js';

/** Who compiles the operations of tasks. */
export interface TaskCompiler {
  /** Raised by every change of what is compiled already. */
  readonly version: number;
  /** The operation of that name. */
  named(declaration: OperationDeclaration): ProtectedOperation;
  /** Another use of it: state and counts are the operation's, functions those of this declaration. */
  useOf(operation: ProtectedOperation, declaration: OperationDeclaration): ProtectedOperation;
  /** An operation without a name, with what belongs to it alone. */
  unnamed(
    declaration: OperationDeclaration,
    contextAt: 'only' | undefined,
    own: InstanceSource,
    previous: ProtectedOperation | undefined,
  ): ProtectedOperation;
  /** For the state of an operation without a name. */
  privateInstances(): InstanceSource;
}

/** An operation as it was compiled aside. */
interface Compiled {
  readonly operation: ProtectedOperation;
  readonly version: number;
}

/**
 * The uses of one name: all share the state and the counts of the first one, and each brings its own functions (`fallback`, `on`,
 * `key`, ...), which may hold on to the data of their caller. Two policies are the same use only where their data is equal
 * and their functions are the very same; equal text says nothing of what a function holds on to.
 */
class PolicyUses {
  private readonly others = new WeakMap<PolicyDeclaration, Compiled>();

  constructor(
    private readonly compiler: TaskCompiler,
    private readonly first: PolicyDeclaration,
    readonly operation: ProtectedOperation,
  ) {}

  of(policy: PolicyDeclaration, critical: boolean): ProtectedOperation {
    if (policy === this.first) return this.operation;
    const known = this.others.get(policy);
    if (known !== undefined && known.version === this.compiler.version) return known.operation;
    const operation = sameUse(this.first, policy) ? this.operation : this.compile(policy, critical);
    if (typeof policy === 'object' && policy !== null) this.others.set(policy, { operation, version: this.compiler.version });
    return operation;
  }

  private compile(policy: PolicyDeclaration, critical: boolean): ProtectedOperation {
    return this.compiler.useOf(this.operation, declare(this.operation.id, policy, critical));
  }
}

/**
 * The operations of `execute`: by name, where one is given; else by the policy object, which then owns the state. A policy object
 * is compiled once, and again after `reconfigure`.
 */
export class TaskOperations {
  private readonly byName = new Map<string, PolicyUses>();
  private readonly byPolicy = new WeakMap<PolicyDeclaration, UnnamedOperation>();

  constructor(private readonly compiler: TaskCompiler) {}

  operationFor(policy: PolicyDeclaration, name: string | undefined, critical = false): ProtectedOperation {
    return name === undefined ? this.unnamed(policy) : this.named(policy, name, critical);
  }

  /** An operation without a name, for a function that is wrapped; `id` is what errors show. */
  wrapped(policy: PolicyDeclaration, id: string): UnnamedOperation {
    return new UnnamedOperation(this.compiler, { id, levels: [{ source: 'wrap', policies: [policy] }], decorated: false }, undefined);
  }

  private unnamed(policy: PolicyDeclaration): ProtectedOperation {
    const known = this.byPolicy.get(policy);
    if (known !== undefined) return known.current();
    const made = new UnnamedOperation(this.compiler, declare('anonymous', policy, false), 'only');
    this.byPolicy.set(policy, made);
    return made.current();
  }

  private named(policy: PolicyDeclaration, name: string, critical: boolean): ProtectedOperation {
    let uses = this.byName.get(name);
    if (uses === undefined) {
      uses = new PolicyUses(this.compiler, policy, this.compiler.named(declare(name, policy, critical)));
      this.byName.set(name, uses);
      return uses.operation;
    }
    return uses.of(policy, critical);
  }
}

/** An operation that nobody can name; what it names itself (a breaker) can be changed by `reconfigure` all the same. */
export class UnnamedOperation {
  private compiled: Compiled;
  private readonly own: InstanceSource;

  constructor(
    private readonly compiler: TaskCompiler,
    private readonly declaration: OperationDeclaration,
    private readonly contextAt: 'only' | undefined,
  ) {
    this.own = compiler.privateInstances();
    this.compiled = this.compile(undefined);
  }

  /** As of the last change. */
  current(): ProtectedOperation {
    if (this.compiled.version !== this.compiler.version) this.compiled = this.compile(this.compiled.operation);
    return this.compiled.operation;
  }

  private compile(previous: ProtectedOperation | undefined): Compiled {
    return { operation: this.compiler.unnamed(this.declaration, this.contextAt, this.own, previous), version: this.compiler.version };
  }
}

function declare(id: string, policy: PolicyDeclaration, critical: boolean): OperationDeclaration {
  return { id, levels: [{ source: 'execute', policies: [policy] }], decorated: false, critical };
}

function sameUse(a: PolicyDeclaration, b: PolicyDeclaration): boolean {
  try {
    return deepEqual(a, b, 'identity');
  } catch {
    return false; // a getter of the user's: the rules say what is wrong with it
  }
}

/** @throws ResilienceConfigError where a name was declared with other policies, or with other data in them. */
export function agree(name: string, before: readonly ResolvedPolicy[], now: readonly ResolvedPolicy[]): void {
  const different =
    kindsOf(before) === kindsOf(now)
      ? now.flatMap(({ kind, name: policyName, options }, index) => {
          const known = before[index]!;
          return differences(
            { name: known.name, ...dataOf(kind.rules, known.options) },
            { name: policyName, ...dataOf(kind.rules, options) },
          ).map((option) => `${kind.kind}.${option}`);
        })
      : [`set of kinds (${kindsOf(before)}; now ${kindsOf(now)})`];
  if (different.length === 0) return;
  throw new ResilienceConfigError([
    `execute "${name}": the name is in use with a different policy (${different.join(', ')}); give each policy a name of its own`,
  ]);
}

function kindsOf(policies: readonly ResolvedPolicy[]): string {
  return policies.map(({ kind, name }) => (kind.several === true ? `${kind.kind} "${name}"` : kind.kind)).join(', ');
}
