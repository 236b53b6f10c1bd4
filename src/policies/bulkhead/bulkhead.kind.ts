import { settingsOf, type BuildContext, type PolicyKind } from '../../engine/contract/kind.js';
import { describeDuration } from '../../options/index.js';
import { bulkheadRules } from './bulkhead.policy.js';
import { Bulkhead, type BulkheadSettings } from './bulkhead.js';
import { BulkheadStrategy } from './bulkhead.strategy.js';
import { bulkheadTelemetry, type ObservedBulkhead } from './bulkhead.telemetry.js';

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
  instances: {
    settings(options) {
      const { name: _, ...settings } = settingsOf(bulkheadRules, options) as unknown as Resolved;
      return settings;
    },
    create: (name, settings, _options, environment) =>
      new Bulkhead(name, settings as BulkheadSettings, environment) satisfies ObservedBulkhead,
  },
  build(options, context) {
    warnOfLongWaits(options as unknown as Resolved, context);
    return [{ strategy: new BulkheadStrategy(context.instance as Bulkhead, options) }];
  },
} as const satisfies PolicyKind;

/** A wait longer than the time limit around it ends as a timeout of a call that never ran, not as a full bulkhead. */
function warnOfLongWaits({ maxQueue, queueTimeout }: Resolved, { operationId, policies = [], environment }: BuildContext): void {
  const inside = policies.findIndex(({ kind }) => kind === bulkheadKind);
  const around = policies.slice(0, inside).find(({ kind }) => kind.kind === 'timeout');
  const limit = around?.options['duration'];
  if (maxQueue === 0 || typeof limit !== 'number' || (queueTimeout ?? Infinity) < limit) return;
  const is = queueTimeout === undefined ? 'has no queueTimeout' : `has a queueTimeout of ${describeDuration(queueTimeout)}`;
  environment.warn(
    `${operationId}: the bulkhead has a queue and ${is}, so that calls wait until their timeout of ${describeDuration(limit)} and fail as if the method were slow; give it a queueTimeout below the timeout`,
  );
}
