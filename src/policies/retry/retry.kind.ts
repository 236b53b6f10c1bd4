import { dataOf, type PolicyKind } from '../../engine/contract/kind.js';
import { RetryBudget } from './retry-budget.js';
import { retryRules, type ResolvedRetry } from './retry.policy.js';
import { RetryStrategy } from './retry.strategy.js';
import { retryTelemetry } from './retry.telemetry.js';

export const retryKind = {
  kind: 'retry',
  label: 'Retry',
  rules: retryRules,
  telemetry: retryTelemetry,
  fixed: ['budget'],
  instance: {
    settings: (options) => (options.name === undefined && options.budget === undefined ? undefined : dataOf(retryRules, options)),
    create: (_name, _settings, { budget }) => (budget === undefined ? undefined : new RetryBudget(budget)),
    snapshot(budget, now) {
      const { ratio, minPerSecond, window } = budget.settings;
      return { ratio, minPerSecond, windowMs: window, remaining: Math.floor(budget.remaining(now)) };
    },
  },
  build(options, { name, environment, instance }) {
    return [{ strategy: new RetryStrategy(name, options, instance, environment) }];
  },
} as const satisfies PolicyKind<ResolvedRetry, RetryBudget | undefined>;
