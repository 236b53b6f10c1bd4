import type { Environment } from '../environment.js';
import { ResilienceConfigError } from '../error.js';
import { isNamed, type PolicyKind, type ResolvedPolicy } from '../contract/kind.js';
import type { InstanceDeclaration } from '../contract/instance.js';
import { NamedSettings } from './named-settings.js';

/** Where a policy gets its options in force and the instance that it decides with. */
export interface InstanceSource {
  /** The policy with what was changed while the application runs. */
  live(policy: ResolvedPolicy): ResolvedPolicy;
  /**
   * What the policies of that name share, made where there is none.
   * @throws ResilienceConfigError where the name is in use with other options.
   */
  instanceOf(policy: ResolvedPolicy, operationId: string): object | undefined;
}

/** A named instance as it is listed. */
export interface NamedInstance {
  readonly kind: string;
  readonly name: string;
  readonly instance: object;
}

/** How many names one application may use; more are a mistake (a name made from a request, where `key` is meant). */
const MAX_NAMES = 10_000;

/** The names of one application with all that is said of them: equal names of one kind share settings and state. */
export class Registry implements InstanceSource {
  /** Raised by every change: what was compiled aside before (see `PolicyUses`) is compiled anew. */
  version = 0;
  /** Told of each instance that was made for a name, before it is used. */
  onCreated: ((kind: PolicyKind, name: string, instance: object) => void) | undefined;
  private readonly entries = new Map<string, Map<string, NamedSettings>>();
  /** Names of policies that an operator has switched off, by kind and name. */
  private readonly switchedOff = new Set<string>();

  constructor(private readonly environment: Environment) {
    environment.shutdown.elsewhere = {
      waiting: () => this.controlled().reduce((sum, [{ waiting }, instance]) => sum + (waiting?.(instance) ?? 0), 0),
      end: () => this.controlled().forEach(([{ rejectAll, stop }, instance]) => (rejectAll?.(instance), stop?.(instance))),
    };
  }

  live(policy: ResolvedPolicy): ResolvedPolicy {
    return this.settingsOf(policy.kind.kind, policy.name)?.live(policy) ?? policy;
  }

  instanceOf(policy: ResolvedPolicy, operationId: string): object | undefined {
    const entry = this.entry(policy.kind, policy.name, operationId);
    const isNew = entry.instance === undefined;
    const instance = entry.declare(policy, operationId, this.environment);
    if (!isNew || instance === undefined) return instance;
    this.onCreated?.(policy.kind, policy.name, instance);
    policy.kind.instance?.start?.(instance);
    return instance;
  }

  /** For an operation without a name: a policy that has none either belongs to it alone. */
  privateInstances(): InstanceSource {
    const own = new Map<string, object | undefined>();
    return {
      live: (policy) => (isNamed(policy) ? this.live(policy) : policy),
      instanceOf: (policy, operationId) => {
        if (isNamed(policy)) return this.instanceOf(policy, operationId);
        const { kind } = policy;
        if (!own.has(kind.kind)) own.set(kind.kind, new NamedSettings(kind, operationId).declare(policy, operationId, this.environment));
        return own.get(kind.kind);
      },
    };
  }

  /** What is said of a name; undefined where no policy has it. */
  settingsOf(kind: string, name: string): NamedSettings | undefined {
    return this.entries.get(kind)?.get(name);
  }

  find(kind: string, name: string): object | undefined {
    return this.settingsOf(kind, name)?.instance;
  }

  /** An operator has switched off a policy of that name, so there may be no instance. */
  noteSwitchedOff(kind: string, name: string): void {
    if (this.switchedOff.size < MAX_NAMES) this.switchedOff.add(`${kind} ${name}`);
  }

  isSwitchedOff(kind: string, name: string): boolean {
    return this.switchedOff.has(`${kind} ${name}`);
  }

  /** All names of a kind: of policies, and of operations whose policies have no other. */
  namesOf(kind: string): string[] {
    return [...(this.entries.get(kind)?.keys() ?? [])];
  }

  /** All instances, of one kind where that is given. */
  list(kind?: string): NamedInstance[] {
    const kinds = kind === undefined ? [...this.entries.keys()] : [kind];
    return kinds.flatMap((one) =>
      [...(this.entries.get(one)?.values() ?? [])].flatMap(({ name, instance }) =>
        instance === undefined ? [] : [{ kind: one, name, instance }],
      ),
    );
  }

  /** The instances with how their kinds have them controlled. */
  private controlled(): readonly (readonly [InstanceDeclaration, object])[] {
    return [...this.entries.values()].flatMap((names) =>
      [...names.values()].flatMap(({ kind, instance }) =>
        kind.instance === undefined || instance === undefined ? [] : [[kind.instance, instance] as const],
      ),
    );
  }

  private entry(kind: PolicyKind, name: string, location: string): NamedSettings {
    let names = this.entries.get(kind.kind);
    if (names === undefined) this.entries.set(kind.kind, (names = new Map<string, NamedSettings>()));
    let entry = names.get(name);
    if (entry !== undefined) return entry;
    if (names.size >= MAX_NAMES) {
      throw new ResilienceConfigError([
        `${location}: more than ${MAX_NAMES} names of kind ${kind.kind}; use the option key for state by tenant or request`,
      ]);
    }
    names.set(name, (entry = new NamedSettings(kind, name)));
    return entry;
  }
}
