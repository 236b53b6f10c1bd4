import { resolve, type OperationDeclaration, type Settings } from '../config/index.js';
import type { Environment } from '../engine/environment.js';
import { ResilienceConfigError } from '../engine/error.js';
import type { ResolvedPolicy } from '../engine/contract/kind.js';
import type { CallTracer } from '../engine/telemetry/tracer.js';
import { UnnamedCounts } from '../engine/telemetry/operation-counts.js';
import { ProtectedOperation, type OperationInput } from '../engine/pipeline/protected-operation.js';
import type { InstanceSource, Registry } from '../engine/state/registry.js';
import { formatValue, suggestion } from '../options/index.js';
import { agree, type TaskCompiler } from './task-operations.js';

/** One protected operation as it is listed. */
export interface OperationSummary {
  readonly operationId: string;
  readonly policies: readonly { readonly kind: string; readonly name: string }[];
}

/** How the method of an operation is called. */
export type OperationForm = Pick<OperationInput, 'contextAt' | 'onlyAsync' | 'endsLimits'>;

/** Tasks of `execute` get their context, and may give a plain value. */
const TASK: OperationForm = { contextAt: 'only', onlyAsync: false };

/** How many operations one application may have; more are a mistake (a name made from a request). */
const MAX_OPERATIONS = 10_000;

/** The operations of one application: compiles them, and finds them by id. */
export class Operations implements TaskCompiler {
  /** What the operations without a name come to, all together. */
  readonly unnamedCounts = new UnnamedCounts();
  private readonly byId = new Map<string, ProtectedOperation>();

  constructor(
    private readonly registry: Registry,
    private readonly environment: Environment,
    private readonly settings: () => Settings,
  ) {}

  get version(): number {
    return this.registry.version;
  }

  /** Those that have a name. */
  all(): Iterable<ProtectedOperation> {
    return this.byId.values();
  }

  list(): readonly OperationSummary[] {
    return [...this.all()].map(({ id, strategies }) => ({
      operationId: id,
      policies: strategies.map(({ kind, name }) => ({ kind, name })),
    }));
  }

  /** Durations are measured from now on. */
  measure(): void {
    for (const { pipeline } of this.all()) pipeline.measure();
    for (const { instance } of this.registry.list()) (instance as { measure?(): void }).measure?.();
    this.registry.version++;
  }

  /** Calls are followed from now on. */
  trace(tracer: CallTracer): void {
    for (const { pipeline } of this.all()) pipeline.trace(tracer);
    this.registry.version++;
  }

  /** @throws ResilienceConfigError with the nearest name, where there is none of that id. */
  get(id: string): ProtectedOperation {
    const operation = this.byId.get(id);
    if (operation !== undefined) return operation;
    throw new ResilienceConfigError([`there is no operation ${formatValue(id)}${suggestion(id, this.byId.keys())}`]);
  }

  /** A name in use gets a number. */
  protect(declaration: OperationDeclaration, form: OperationForm): ProtectedOperation {
    if (this.byId.size >= MAX_OPERATIONS) {
      throw new ResilienceConfigError([
        `${declaration.id}: more than ${MAX_OPERATIONS} operations; use the option key for state by tenant or request`,
      ]);
    }
    const id = this.freeId(declaration.id);
    const { registry, environment } = this;
    const operation = new ProtectedOperation({ id, policies: this.policiesOf({ ...declaration, id }), environment, registry, ...form });
    this.byId.set(id, operation);
    return operation;
  }

  named(declaration: OperationDeclaration): ProtectedOperation {
    return this.protect(declaration, TASK);
  }

  useOf(operation: ProtectedOperation, declaration: OperationDeclaration): ProtectedOperation {
    const { id } = operation;
    const { registry, environment } = this;
    const policies = this.policiesOf({ ...declaration, id });
    agree(id, operation.policies, policies);
    return new ProtectedOperation({ id, policies, environment, registry, like: operation, ...TASK });
  }

  unnamed(
    declaration: OperationDeclaration,
    contextAt: 'only' | undefined,
    own: InstanceSource,
    like: ProtectedOperation | undefined,
  ): ProtectedOperation {
    const { environment, unnamedCounts: counts } = this;
    const policies = this.policiesOf(declaration);
    return new ProtectedOperation({ id: declaration.id, policies, environment, registry: own, contextAt, onlyAsync: false, like, counts });
  }

  privateInstances(): InstanceSource {
    return this.registry.privateInstances();
  }

  private policiesOf(declaration: OperationDeclaration): readonly ResolvedPolicy[] {
    const { policies, switchedOff } = resolve(declaration, this.settings());
    for (const { kind, name } of switchedOff) this.registry.noteSwitchedOff(kind.kind, name);
    return policies;
  }

  private freeId(id: string): string {
    if (!this.byId.has(id)) return id;
    let number = 2;
    while (this.byId.has(`${id}#${number}`)) number++;
    this.environment.logger.warn(`two operations are called ${id}; the second one is shown as ${id}#${number}`);
    return `${id}#${number}`;
  }
}
