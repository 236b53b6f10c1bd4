import { isSwitchedOff, resolve, type OperationDeclaration, type Settings } from '../config/index.js';
import type { PolicyDeclaration, PolicyKind } from '../engine/contract/kind.js';
import type { Environment } from '../engine/environment.js';
import { ResilienceConfigError } from '../engine/error.js';
import type { Registry } from '../engine/state/registry.js';
import { entriesOf, formatValue, suggestion } from '../options/index.js';
import type { OptionsByKind, PolicyKinds } from '../policies/index.js';

/** So many instances that let everything pass are remembered; one has no state that another could miss. */
const MAX_IDLE = 10_000;

/** The kinds of the library that can be used by hand. */
export type HandKind = { [Kind in keyof PolicyKinds]: PolicyKinds[Kind] extends { instance: object } ? Kind : never }[keyof PolicyKinds];

/** What is used by hand. */
export type InstanceOf<Kind extends HandKind> = PolicyKinds[Kind]['instance'];

/** Finds what policies share by kind and name, and makes it. */
export class NamedInstances {
  /** Of names that an operator has switched off, by kind and name. */
  private readonly idle = new Map<string, unknown>();

  constructor(
    private readonly registry: Registry,
    private readonly environment: Environment,
    private readonly settings: () => Settings,
  ) {}

  /**
   * The instance of that name; with options it is made where there is none.
   * @param method Who gives it, as messages call it.
   */
  obtain<Kind extends HandKind>(kind: Kind, method: string, name: string, options?: OptionsByKind[Kind]): InstanceOf<Kind> {
    return this.find(this.settings().kinds.find(kind)!, method, name, options) as InstanceOf<Kind>;
  }

  /** All that have a name. */
  all<Kind extends HandKind>(kind: Kind): readonly InstanceOf<Kind>[] {
    return this.registry.list(kind).map(({ instance }) => instance as InstanceOf<Kind>);
  }

  private find(kind: PolicyKind, method: string, name: string, options: object | undefined): unknown {
    const location = `${method}(${formatValue(name)})`;
    if (typeof name !== 'string' || name === '')
      throw new ResilienceConfigError([`${location}: the name must be a text that is not empty`]);
    if (options !== undefined && entriesOf(options) === undefined) {
      throw new ResilienceConfigError([`${location}: the options must be an object that can be read, got ${formatValue(options)}`]);
    }
    const known = this.registry.find(kind.kind, name);
    if (known !== undefined && options === undefined) return known;
    const settings = this.settings();
    if (known === undefined && (isSwitchedOff(kind, name, settings) || this.registry.isSwitchedOff(kind.kind, name)))
      return this.idleOne(kind, name);
    if (options === undefined) {
      const names = this.registry.list(kind.kind).map((one) => one.name);
      throw new ResilienceConfigError([
        `${location}: there is none of that name${suggestion(name, names) || '.'} With options, ${method}(${formatValue(name)}, { ... }) makes one`,
      ]);
    }
    const policy: PolicyDeclaration = { ...options, name, kind: kind.kind } as PolicyDeclaration;
    const declaration: OperationDeclaration = { id: name, levels: [{ source: 'by hand', policies: [policy] }], decorated: false };
    const { policies } = resolve(declaration, { ...settings, enabled: true });
    return this.registry.instanceOf(policies[0]!, name);
  }

  private idleOne({ kind, instance }: PolicyKind, name: string): unknown {
    const id = `${kind} ${name}`;
    const known = this.idle.get(id);
    if (known !== undefined) return known;
    const made = instance?.idle?.(name, this.environment);
    if (this.idle.size < MAX_IDLE) this.idle.set(id, made);
    return made;
  }
}
