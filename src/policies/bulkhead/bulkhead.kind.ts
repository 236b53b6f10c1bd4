import { dataOf, type BuildContext, type PolicyKind } from '../../engine/contract/kind.js';
import { describeDuration } from '../../options/index.js';
import { bulkheadInstance } from './bulkhead.instance.js';
import { bulkheadRules, type ResolvedBulkhead } from './bulkhead.policy.js';
import { Bulkhead, type BulkheadSettings } from './bulkhead.js';
import { BulkheadStrategy } from './bulkhead.strategy.js';
import { SharedBulkheadStrategy } from './shared/shared-bulkhead.strategy.js';
import { bulkheadTelemetry, type ObservedBulkhead } from './bulkhead.telemetry.js';

export const bulkheadKind = {
  kind: 'bulkhead',
  label: 'Bulkhead',
  rules: bulkheadRules,
  telemetry: bulkheadTelemetry,
  several: true,
  fixed: ['maxKeys', 'shared'],
  check({ maxQueue, shared }, given, problems) {
    if (!shared && given.has('onStoreFailure')) problems.add('onStoreFailure needs shared: true');
    if (maxQueue > 0) return;
    for (const option of ['queueTimeout', 'priority', 'overflow']) {
      if (given.has(option)) problems.add(`${option} needs a queue: set maxQueue to an integer >= 1`);
    }
  },
  instance: {
    ...bulkheadInstance,
    settings: (options) => dataOf(bulkheadRules, options),
    create: (name, settings, _options, environment) => new Bulkhead(name, settings, environment) satisfies ObservedBulkhead,
    idle: (name, environment) => Bulkhead.idle(name, environment),
  },
  build(options, context) {
    warnOfLongWaits(options, context);
    const { instance } = context;
    return [{ strategy: options.shared ? new SharedBulkheadStrategy(instance, options) : new BulkheadStrategy(instance, options) }];
  },
} as const satisfies PolicyKind<ResolvedBulkhead, Bulkhead, BulkheadSettings>;

/** A wait longer than the time limit around it ends as a timeout of a call that never ran, not as a full bulkhead. */
function warnOfLongWaits(
  { maxQueue, queueTimeout }: ResolvedBulkhead,
  { operationId, name, policies = [], environment }: BuildContext,
): void {
  const inside = policies.findIndex((policy) => policy.kind.kind === bulkheadKind.kind && policy.name === name);
  const around = policies.slice(0, inside).find(({ kind }) => kind.kind === 'timeout');
  const limit = around?.options['duration'];
  if (maxQueue === 0 || typeof limit !== 'number' || (queueTimeout ?? Infinity) < limit) return;
  const is = queueTimeout === undefined ? 'has no queueTimeout' : `has a queueTimeout of ${describeDuration(queueTimeout)}`;
  environment.logger.warn(
    `${operationId}: the bulkhead has a queue and ${is}, so that calls wait until their timeout of ${describeDuration(limit)} and fail as if the method were slow; give it a queueTimeout below the timeout`,
  );
}
