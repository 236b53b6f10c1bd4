import { settingsOf, type BuildContext, type PolicyKind, type ResolvedOptions } from '../../engine/kind.js';
import { circuitBreakerRules } from './circuit-breaker.policy.js';
import { CircuitBreaker, type CircuitBreakerSettings } from './circuit-breaker.js';
import { CircuitBreakerStrategy } from './circuit-breaker.strategy.js';
import { circuitBreakerTelemetry } from './circuit-breaker.telemetry.js';
import { FailureFilter } from '../../engine/failure-filter.js';

interface Resolved extends Omit<CircuitBreakerSettings, 'judgesRates' | 'successThreshold'> {
  readonly name?: string;
  readonly successThreshold?: number;
}

/** Any of these beside `consecutiveFailures` means that the rates are judged too. */
const RATE_OPTIONS = ['window', 'minimumCalls', 'failureRateThreshold', 'slowCallDuration'];

export const circuitBreakerKind = {
  kind: 'circuitBreaker',
  label: 'CircuitBreaker',
  rules: circuitBreakerRules,
  telemetry: circuitBreakerTelemetry,
  fixed: ['maxKeys'],
  check(options, given, problems) {
    const { window, minimumCalls } = options as unknown as Resolved;
    if (window.type === 'count' && given.has('minimumCalls') && minimumCalls > window.size) {
      problems.add(`minimumCalls must be at most the count window (${window.size} calls), got ${minimumCalls}: it would never open`);
    }
    if (given.has('slowCallRateThreshold') && !given.has('slowCallDuration')) {
      problems.add('slowCallRateThreshold needs slowCallDuration: without it no call is slow');
    }
  },
  build(options, context) {
    const breaker = obtainCircuitBreaker(options, context);
    return [{ strategy: new CircuitBreakerStrategy(breaker, options, context.environment) }];
  },
} as const satisfies PolicyKind;

/** The breaker of that name, or a new one. */
export function obtainCircuitBreaker(
  options: ResolvedOptions,
  { operationId, environment, registry, given }: BuildContext,
): CircuitBreaker {
  const { name = operationId, ...rest } = options as unknown as Resolved;
  const settings: CircuitBreakerSettings = {
    ...(settingsOf(circuitBreakerRules, rest) as unknown as Resolved),
    minimumCalls: rest.window.type === 'count' ? Math.min(rest.minimumCalls, rest.window.size) : rest.minimumCalls,
    judgesRates: rest.consecutiveFailures === undefined || RATE_OPTIONS.some((option) => given.has(option)),
    successThreshold: rest.successThreshold ?? rest.halfOpenCalls,
  };
  return registry.obtain('circuitBreaker', name, settings, operationId, () => {
    const filter = new FailureFilter(options, environment, `circuit breaker "${name}"`, false);
    return new CircuitBreaker(name, settings, environment, filter);
  });
}
