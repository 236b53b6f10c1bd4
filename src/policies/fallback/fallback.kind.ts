import type { PolicyKind } from '../../engine/contract/kind.js';
import { suggestion } from '../../options/index.js';
import { fallbackRules, type ResolvedFallback } from './fallback.policy.js';
import { FallbackStrategy } from './fallback.strategy.js';
import { fallbackTelemetry } from './fallback.telemetry.js';

export const fallbackKind = {
  kind: 'fallback',
  label: 'Fallback',
  rules: fallbackRules,
  telemetry: fallbackTelemetry,
  alwaysOn: true,
  check({ tiers, value }, _given, problems) {
    if (tiers === undefined && value === undefined) problems.add(`tiers is required: ${fallbackRules.tiers.expects}; or value`);
    if (tiers !== undefined && value !== undefined) problems.add('value and tiers exclude each other: make the value the last tier');
  },
  checkTarget({ tiers = [] }, target, problems) {
    for (const { method } of tiers) {
      if (method === undefined) continue;
      if (target === undefined) problems.add(`names the method "${method}", but there is no object to call it on: give a function`);
      else if (typeof (target as Record<string, unknown>)[method] !== 'function') {
        problems.add(`names the method "${method}", which does not exist${suggestion(method, methodsOf(target))}`);
      }
    }
  },
  build(options, { name, environment }) {
    const { tiers = [{ value: options.value?.value }] } = options;
    return [{ strategy: new FallbackStrategy(name, { ...options, tiers }, environment) }];
  },
} as const satisfies PolicyKind<ResolvedFallback>;

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
