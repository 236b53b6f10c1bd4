import type { OperationDeclaration } from './config/index.js';
import { ResilienceConfigError } from './engine/error.js';
import type { PolicyDeclaration } from './engine/kind.js';
import type { ProtectedOperation } from './engine/protected-operation.js';
import { alike } from './engine/registry.js';

interface NamedTask {
  readonly policy: PolicyDeclaration;
  readonly operation: ProtectedOperation;
}

/**
 * The operations of `execute`: by name, where one is given; else by the policy object, which then owns the state. A
 * policy is compiled once.
 */
export class TaskBook {
  private readonly byName = new Map<string, NamedTask>();
  private readonly byPolicy = new WeakMap<PolicyDeclaration, ProtectedOperation>();

  constructor(private readonly protect: (declaration: OperationDeclaration, isPrivate: boolean) => ProtectedOperation) {}

  operationFor(policy: PolicyDeclaration, name: string | undefined, critical = false): ProtectedOperation {
    return name === undefined ? this.anonymous(policy) : this.named(policy, name, critical);
  }

  private anonymous(policy: PolicyDeclaration): ProtectedOperation {
    const known = this.byPolicy.get(policy);
    if (known !== undefined) return known;
    const operation = this.protect(declare('anonymous', policy, false), true);
    this.byPolicy.set(policy, operation);
    return operation;
  }

  private named(policy: PolicyDeclaration, name: string, critical: boolean): ProtectedOperation {
    const known = this.byName.get(name);
    if (known === undefined) {
      const operation = this.protect(declare(name, policy, critical), false);
      this.byName.set(name, { policy, operation });
      return operation;
    }
    if (known.policy === policy || alike(known.policy, policy)) return known.operation;
    throw new ResilienceConfigError([`execute "${name}": the name is in use with a different policy; give each policy a name of its own`]);
  }
}

function declare(id: string, policy: PolicyDeclaration, critical: boolean): OperationDeclaration {
  return { id, levels: [{ source: 'execute', policies: [policy] }], decorated: false, critical };
}
