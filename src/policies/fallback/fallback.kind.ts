import type { PolicyKind } from '../../engine/contract/kind.js';
import { suggestion } from '../../options/index.js';
import { fallbackRules, type Tier } from './fallback.policy.js';
import { FallbackStrategy, type FallbackSettings } from './fallback.strategy.js';
import { fallbackTelemetry } from './fallback.telemetry.js';

interface Resolved extends Omit<FallbackSettings, 'tiers'> {
  readonly tiers?: readonly Tier[];
  readonly value?: { readonly value: unknown };
  readonly name?: string;
}

export const fallbackKind = {
  kind: 'fallback',
  label: 'Fallback',
  rules: fallbackRules,
  telemetry: fallbackTelemetry,
  alwaysOn: true,
  check(options, _given, problems) {
    const { tiers, value } = options as Resolved;
    if (tiers === undefined && value === undefined) problems.add(`tiers is required: ${fallbackRules.tiers.expects}; or value`);
    if (tiers !== undefined && value !== undefined) problems.add('value and tiers exclude each other: make the value the last tier');
  },
  checkTarget(options, target, problems) {
    for (const { method } of (options as Resolved).tiers ?? []) {
      if (method === undefined) continue;
      if (target === undefined) problems.add(`names the method "${method}", but there is no object to call it on: give a function`);
      else if (typeof (target as Record<string, unknown>)[method] !== 'function') {
        problems.add(`names the method "${method}", which does not exist${suggestion(method, methodsOf(target))}`);
      }
    }
  },
  build(options, { operationId, environment }) {
    const { tiers, value, name = operationId, ...rest } = options as Resolved;
    const settings = { ...rest, tiers: tiers ?? [{ value: value!.value }] };
    return [{ strategy: new FallbackStrategy(name, settings, environment) }];
  },
} as const satisfies PolicyKind;

function methodsOf(target: object): string[] {
  const names: string[] = [];
  for (
    let level: object | null = target;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    names.push(...Object.getOwnPropertyNames(level).filter((name) => name !== 'constructor'));
  }
  return names;
}
