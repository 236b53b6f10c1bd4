import { settingsOf, type BuildContext, type PolicyKind, type ResolvedOptions } from '../../engine/kind.js';
import { bulkheadRules } from './bulkhead.policy.js';
import { Bulkhead, type BulkheadSettings } from './bulkhead.js';
import { BulkheadStrategy } from './bulkhead.strategy.js';
import { bulkheadTelemetry } from './bulkhead.telemetry.js';

interface Resolved extends BulkheadSettings {
  readonly name?: string;
}

export const bulkheadKind = {
  kind: 'bulkhead',
  label: 'Bulkhead',
  rules: bulkheadRules,
  telemetry: bulkheadTelemetry,
  fixed: ['maxKeys'],
  check(options, given, problems) {
    const { maxQueue } = options as unknown as Resolved;
    if (maxQueue > 0) return;
    for (const option of ['queueTimeout', 'priority', 'overflow']) {
      if (given.has(option)) problems.add(`${option} needs a queue: set maxQueue to an integer >= 1`);
    }
  },
  build(options, context) {
    return [{ strategy: new BulkheadStrategy(obtainBulkhead(options, context), options) }];
  },
} as const satisfies PolicyKind;

/** The bulkhead of that name, or a new one. */
export function obtainBulkhead(options: ResolvedOptions, { operationId, environment, registry }: BuildContext): Bulkhead {
  const { name = operationId, ...settings } = settingsOf(bulkheadRules, options) as unknown as Resolved;
  return registry.obtain('bulkhead', name, settings, operationId, () => new Bulkhead(name, settings, environment));
}
