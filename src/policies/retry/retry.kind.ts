import { settingsOf, type PolicyKind } from '../../engine/kind.js';
import { RetryBudget, type RetryBudgetSettings } from './retry-budget.js';
import { retryRules } from './retry.policy.js';
import { RetryStrategy, type RetrySettings } from './retry.strategy.js';
import { retryTelemetry } from './retry.telemetry.js';

export const retryKind = {
  kind: 'retry',
  label: 'Retry',
  rules: retryRules,
  telemetry: retryTelemetry,
  build(options, { operationId, environment, registry }) {
    const { budget: budgetSettings, name } = options as { budget?: RetryBudgetSettings; name?: string };
    const newBudget = () => (budgetSettings === undefined ? undefined : new RetryBudget(budgetSettings));
    const budget =
      name === undefined ? newBudget() : registry.obtain('retry', name, settingsOf(retryRules, options), operationId, newBudget);
    return [{ strategy: new RetryStrategy(name ?? operationId, options as unknown as RetrySettings, budget, environment) }];
  },
} as const satisfies PolicyKind;
