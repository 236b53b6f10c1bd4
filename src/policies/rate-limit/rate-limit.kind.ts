import { dataOf, type PolicyKind } from '../../engine/contract/kind.js';
import { rateLimitInstance } from './rate-limit.instance.js';
import { rateLimitRules, type ResolvedRateLimit } from './rate-limit.policy.js';
import { RateLimitStrategy } from './rate-limit.strategy.js';
import { rateLimitTelemetry, type ObservedLimiter } from './rate-limit.telemetry.js';
import type { Environment } from '../../engine/environment.js';
import { requiredStore } from '../shared-store.js';
import { ExactRateLimiter } from './shared/shared-rate-limiter.js';
import { LeasedRateLimiter } from './shared/leased/leased-rate-limiter.js';
import { SharedRateLimitStrategy } from './shared/shared-rate-limit.strategy.js';
import { idleLimiter, LocalRateLimiter } from './local-rate-limiter.js';
import type { RateLimiter, RateLimiterSettings } from './rate-limiter.js';

/** @throws ResilienceConfigError where it is to be shared and there is no store. */
function limiterOf(name: string, settings: RateLimiterSettings, environment: Environment): RateLimiter {
  if (settings.shared === false) return new LocalRateLimiter(name, settings, environment);
  const store = requiredStore(environment, `rate limit "${name}"`);
  return settings.shared === 'leased'
    ? new LeasedRateLimiter(name, settings, environment, store)
    : new ExactRateLimiter(name, settings, environment, store);
}

export const rateLimitKind = {
  kind: 'rateLimit',
  label: 'RateLimit',
  rules: rateLimitRules,
  telemetry: rateLimitTelemetry,
  several: true,
  fixed: ['maxKeys', 'algorithm', 'shared'],
  check(options, given, problems) {
    const { limit, burst = limit, cost, algorithm, shared } = options;
    if (shared === 'leased' && algorithm === 'leaky-bucket')
      problems.add("shared: 'leased' is not for a leaky bucket, whose calls start evenly apart over all instances: use shared: 'exact'");
    if (!given.has('limit')) problems.add(`limit is required: ${rateLimitRules.limit.expects}`);
    const capacity = algorithm === 'token-bucket' || algorithm === 'leaky-bucket' ? burst : limit;
    if (typeof cost === 'number' && cost > capacity)
      problems.add(`cost must be at most the capacity (${capacity}), got ${cost}: no call would ever pass`);
  },
  instance: {
    ...rateLimitInstance,
    settings(options) {
      const { limit, burst = limit, algorithm } = options;
      const isPaced = algorithm === 'leaky-bucket';
      const { maxWait = isPaced ? Infinity : 0, maxQueue = isPaced ? burst : Infinity } = options;
      return Object.assign(dataOf(rateLimitRules, options), { limit, burst, maxWait, maxQueue });
    },
    create: (name, settings, _options, environment) => limiterOf(name, settings, environment) satisfies ObservedLimiter,
    idle: idleLimiter,
  },
  build(options, { instance }) {
    const Strategy = options.shared === false ? RateLimitStrategy : SharedRateLimitStrategy;
    return [{ strategy: new Strategy(instance, options) }];
  },
} as const satisfies PolicyKind<ResolvedRateLimit, RateLimiter, RateLimiterSettings>;
