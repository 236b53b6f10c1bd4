import { ResilienceConfigError } from './error.js';

interface Entry {
  readonly instance: unknown;
  readonly settings: unknown;
  readonly place: string;
}

/** Where a policy gets the instance that it decides with. */
export interface InstanceSource {
  /**
   * The instance of that name, made where there is none.
   * @throws ResilienceConfigError where the name is in use with other settings.
   */
  obtain<Instance>(kind: string, name: string, settings: object, place: string, create: () => Instance): Instance;
}

/** A named instance as it is listed. */
export interface NamedInstance {
  readonly kind: string;
  readonly name: string;
  readonly instance: unknown;
}

/** How many names one application may use; more are a mistake (a name made from a request, where `key` is meant). */
const MOST_NAMES = 10_000;

/** The named instances of one application: equal names of one kind share state. */
export class Registry implements InstanceSource {
  private readonly entries = new Map<string, Map<string, Entry>>();

  obtain<Instance>(kind: string, name: string, settings: object, place: string, create: () => Instance): Instance {
    const names = this.namesOf(kind);
    const known = names.get(name);
    if (known !== undefined) {
      const different = differences(known.settings, settings);
      if (different.length > 0) {
        throw new ResilienceConfigError([
          `${place}: the name "${name}" is in use by ${known.place} with a different ${different.join(', ')}; equal names share one ${kind}, so give both the same options or one another name`,
        ]);
      }
      return known.instance as Instance;
    }
    if (names.size >= MOST_NAMES) {
      throw new ResilienceConfigError([
        `${place}: more than ${MOST_NAMES} names of kind ${kind}; use the option key for state by tenant or request`,
      ]);
    }
    const instance = create();
    names.set(name, { instance, settings, place });
    return instance;
  }

  /** For an operation without a name: what it does not name itself belongs to it alone. */
  privateTo(operationId: string): InstanceSource {
    return {
      obtain: (kind, name, settings, place, create) => (name === operationId ? create() : this.obtain(kind, name, settings, place, create)),
    };
  }

  /** The same name with other settings, as `reconfigure` wants it: what is there already goes on. */
  renew(kind: string, name: string, settings: object): void {
    const names = this.namesOf(kind);
    const known = names.get(name);
    if (known !== undefined) names.set(name, { ...known, settings });
  }

  find(kind: string, name: string): unknown {
    return this.entries.get(kind)?.get(name)?.instance;
  }

  /** All instances, of one kind where that is given. */
  list(kind?: string): NamedInstance[] {
    const kinds = kind === undefined ? [...this.entries.keys()] : [kind];
    return kinds.flatMap((one) => [...(this.entries.get(one) ?? [])].map(([name, { instance }]) => ({ kind: one, name, instance })));
  }

  private namesOf(kind: string): Map<string, Entry> {
    let names = this.entries.get(kind);
    if (names === undefined) this.entries.set(kind, (names = new Map<string, Entry>()));
    return names;
  }
}

/** Names of the settings in which two differ. */
function differences(a: unknown, b: unknown): string[] {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((key) => !alike(left[key], right[key]));
}

/** Equal data; functions are equal where they are the same or read the same. */
export function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a === 'function' && typeof b === 'function') return a.toString() === b.toString();
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => alike((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
}
