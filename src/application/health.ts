import type { HealthStatus } from '../engine/contract/instance.js';
import type { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyKind } from '../engine/contract/kind.js';
import type { NamedInstance, Registry } from '../engine/state/registry.js';
import { rule } from '../options/index.js';
import { readAll } from './control-request.js';
import type { Operations } from './operations.js';

/** What was found of one instance. */
export interface InstanceHealth {
  readonly kind: string;
  /** What the instances of its kind are together: `circuitBreakers`. */
  readonly group: string;
  readonly name: string;
  readonly status: HealthStatus;
  readonly details: Readonly<Record<string, unknown>>;
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';

const selectionRules = {
  names: rule('a list of names', (value) => (Array.isArray(value) && value.every(isName) ? (value as readonly string[]) : undefined)),
};

/** Asks the kinds how well their instances are. */
export class HealthReader {
  constructor(
    private readonly kinds: KindTable,
    private readonly registry: Registry,
    private readonly operations: Operations,
  ) {}

  read(kinds: readonly PolicyKind[], options: object, location: string): readonly InstanceHealth[] {
    return kinds.flatMap((kind) => {
      const health = kind.instance?.health;
      if (health === undefined) return [];
      const { names: wanted, ...given } = readAll({ ...health.rules, ...selectionRules }, options, `${location}:`);
      const all = this.registry.list(kind.kind);
      const chosen = wanted === undefined ? all : all.filter(({ name }) => wanted.includes(name));
      const missing = (wanted ?? []).filter((name) => !all.some((one) => one.name === name));
      return [
        ...chosen.map((named) => this.check(kind, named, given)),
        ...missing.map((name): InstanceHealth => {
          return { kind: kind.kind, group: health.group, name, status: 'degraded', details: { state: 'unknown' } };
        }),
      ];
    });
  }

  private check(
    { kind, instance: declared }: PolicyKind,
    { name, instance }: NamedInstance,
    given: Record<string, unknown>,
  ): InstanceHealth {
    const { group, check } = declared!.health!;
    const { status, details, needsCalls } = check(instance, given);
    const heldUpBy = needsCalls === true ? this.heldUpBy(kind, name) : undefined;
    const told = Object.entries({ ...details, heldUpBy }).filter(([, value]) => value !== undefined);
    return { kind, group, name, status, details: Object.fromEntries(told) };
  }

  /** What stands inside of it in one of its operations and lets no call through to the method. */
  private heldUpBy(kind: string, name: string): string | undefined {
    for (const { strategies } of this.operations.all()) {
      const outer = strategies.findIndex((layer) => layer.kind === kind && layer.name === name);
      if (outer === -1) continue;
      for (const layer of strategies.slice(outer + 1)) {
        const instance = this.registry.find(layer.kind, layer.name);
        const reason = instance === undefined ? undefined : this.kinds.find(layer.kind)?.instance?.health?.blockedBy?.(instance);
        if (reason !== undefined) return `${layer.kind} ${layer.name}: ${reason}`;
      }
    }
    return undefined;
  }
}
