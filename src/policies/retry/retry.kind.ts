import { settingsOf, type PolicyKind } from '../../engine/contract/kind.js';
import { RetryBudget, type RetryBudgetSettings } from './retry-budget.js';
import { retryRules } from './retry.policy.js';
import { RetryStrategy, type RetrySettings } from './retry.strategy.js';
import { retryTelemetry } from './retry.telemetry.js';

export const retryKind = {
  kind: 'retry',
  label: 'Retry',
  rules: retryRules,
  telemetry: retryTelemetry,
  fixed: ['budget'],
  instances: {
    settings: (options) => (options['name'] === undefined && options['budget'] === undefined ? undefined : settingsOf(retryRules, options)),
    create(_name, _settings, options) {
      const { budget } = options as { budget?: RetryBudgetSettings };
      return budget === undefined ? undefined : new RetryBudget(budget);
    },
  },
  build(options, { operationId, environment, instance }) {
    const { name = operationId } = options as { name?: string };
    const budget = instance as RetryBudget | undefined;
    return [{ strategy: new RetryStrategy(name, options as unknown as RetrySettings, budget, environment) }];
  },
} as const satisfies PolicyKind;
