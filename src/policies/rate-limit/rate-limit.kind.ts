import { dataOf, type PolicyKind } from '../../engine/contract/kind.js';
import { rateLimitInstance } from './rate-limit.instance.js';
import { rateLimitRules, type ResolvedRateLimit } from './rate-limit.policy.js';
import { RateLimitStrategy } from './rate-limit.strategy.js';
import { rateLimitTelemetry, type ObservedLimiter } from './rate-limit.telemetry.js';
import { RateLimiter, type RateLimiterSettings } from './rate-limiter.js';

export const rateLimitKind = {
  kind: 'rateLimit',
  label: 'RateLimit',
  rules: rateLimitRules,
  telemetry: rateLimitTelemetry,
  several: true,
  fixed: ['maxKeys', 'algorithm'],
  check(options, given, problems) {
    const { limit, burst = limit, cost, algorithm } = options;
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
    create: (name, settings, _options, environment) => new RateLimiter(name, settings, environment) satisfies ObservedLimiter,
    idle: (name, environment) => RateLimiter.idle(name, environment),
  },
  build(options, { instance }) {
    return [{ strategy: new RateLimitStrategy(instance, options) }];
  },
} as const satisfies PolicyKind<ResolvedRateLimit, RateLimiter, RateLimiterSettings>;
