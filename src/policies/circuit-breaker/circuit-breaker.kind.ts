import type { Environment } from '../../engine/environment.js';
import { dataOf, isBeside, type PolicyKind } from '../../engine/contract/kind.js';
import { circuitBreakerInstance } from './circuit-breaker.instance.js';
import { circuitBreakerRules, type ResolvedCircuitBreaker } from './circuit-breaker.policy.js';
import type { Circuit } from './circuit.js';
import { CircuitBreaker, type CircuitBreakerSettings } from './circuit-breaker.js';
import { CircuitBreakerStrategy } from './circuit-breaker.strategy.js';
import { circuitBreakerTelemetry, type ObservedBreaker } from './circuit-breaker.telemetry.js';
import { restoreBreaker, saveBreaker } from './saved-state/saved-breaker.js';
import { SharedCircuitBreakerStrategy } from './shared/shared-circuit-breaker.strategy.js';
import { checkSharedWindow, sharingOf } from './shared/sharing.js';
import { FailureFilter } from '../../engine/failure-filter.js';

/** Any of these beside `consecutiveFailures` means that the rates are judged too. */
const RATE_OPTIONS = ['window', 'minimumCalls', 'failureRateThreshold', 'slowCallDuration'];

export const circuitBreakerKind = {
  kind: 'circuitBreaker',
  label: 'CircuitBreaker',
  rules: circuitBreakerRules,
  telemetry: circuitBreakerTelemetry,
  several: true,
  fixed: ['maxKeys', 'shared'],
  check({ window, minimumCalls }, given, problems) {
    if (window.type === 'count' && given.has('minimumCalls') && minimumCalls > window.size) {
      problems.add(`minimumCalls must be at most the count window (${window.size} calls), got ${minimumCalls}: it would never open`);
    }
    if (given.has('slowCallRateThreshold') && !given.has('slowCallDuration')) {
      problems.add('slowCallRateThreshold needs slowCallDuration: without it no call is slow');
    }
  },
  instance: {
    ...circuitBreakerInstance,
    settings(options, sources) {
      const { window, minimumCalls, consecutiveFailures, successThreshold = options.halfOpenCalls } = options;
      return Object.assign(dataOf(circuitBreakerRules, options), {
        minimumCalls: window.type === 'count' ? Math.min(minimumCalls, window.size) : minimumCalls,
        usesRates: consecutiveFailures === undefined || RATE_OPTIONS.some((option) => isBeside(sources, option, 'consecutiveFailures')),
        successThreshold,
      });
    },
    create(name, settings, options, environment) {
      const filter = new FailureFilter(options, environment, `circuit breaker "${name}"`, false);
      if (settings.shared) checkSharedWindow(environment, name, settings.window);
      const joinFleet = settings.shared ? sharingOf(environment, name) : undefined;
      return new CircuitBreaker(name, settings, environment, filter, joinFleet) satisfies ObservedBreaker<Circuit>;
    },
    idle: idleBreaker,
    save: saveBreaker,
    restore: restoreBreaker,
  },
  build(options, { environment, instance }) {
    if (!options.shared) return [{ strategy: new CircuitBreakerStrategy(instance, options, environment) }];
    checkSharedWindow(environment, instance.name, options.window);
    return [{ strategy: new SharedCircuitBreakerStrategy(instance, options, environment) }];
  },
} as const satisfies PolicyKind<ResolvedCircuitBreaker, CircuitBreaker, CircuitBreakerSettings>;

/** Settings of one that nothing is recorded by. */
const IDLE: CircuitBreakerSettings = {
  window: { type: 'count', size: 1 },
  minimumCalls: 1,
  failureRateThreshold: 1,
  slowCallRateThreshold: 1,
  openDuration: 1,
  halfOpenCalls: 1,
  successThreshold: 1,
  halfOpenTimeout: 1,
  automaticHalfOpen: false,
  usesRates: false,
  maxKeys: 1,
  critical: false,
  shared: false,
};

/** One that lets everything pass and records nothing: an operator has switched off what the name stands for. */
function idleBreaker(name: string, environment: Environment): CircuitBreaker {
  const filter = new FailureFilter({}, environment, `circuit breaker "${name}"`, false);
  const breaker = new CircuitBreaker(name, IDLE, environment, filter);
  breaker.isIdle = true;
  breaker.common.idle();
  return breaker;
}
