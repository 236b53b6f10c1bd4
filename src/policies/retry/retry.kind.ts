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
  fixed: ['budget'],
  build(options, { operationId, environment, registry }) {
    const { budget: budgetSettings, name } = options as { budget?: RetryBudgetSettings; name?: string };
    const newBudget = () => (budgetSettings === undefined ? undefined : new RetryBudget(budgetSettings));
    const shares = name !== undefined || budgetSettings !== undefined;
    const budget = shares
      ? registry.obtain('retry', name ?? operationId, settingsOf(retryRules, options), operationId, newBudget)
      : undefined;
    return [{ strategy: new RetryStrategy(name ?? operationId, options as unknown as RetrySettings, budget, environment) }];
  },
} as const satisfies PolicyKind;
