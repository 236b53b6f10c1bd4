import { settingsOf, type PolicyKind } from '../../engine/contract/kind.js';
import { rateLimitRules } from './rate-limit.policy.js';
import { RateLimitStrategy, type RateLimitUse } from './rate-limit.strategy.js';
import { rateLimitTelemetry, type ObservedLimiter } from './rate-limit.telemetry.js';
import { RateLimiter, type RateLimiterSettings } from './rate-limiter.js';

interface Resolved extends Omit<RateLimiterSettings, 'burst' | 'maxWait' | 'maxQueue'> {
  readonly name?: string;
  readonly burst?: number;
  readonly maxWait?: number;
  readonly maxQueue?: number;
  readonly cost: RateLimitUse['cost'];
}

export const rateLimitKind = {
  kind: 'rateLimit',
  label: 'RateLimit',
  rules: rateLimitRules,
  telemetry: rateLimitTelemetry,
  fixed: ['maxKeys', 'algorithm'],
  check(options, given, problems) {
    const { limit, burst = limit, cost, algorithm } = options as unknown as Resolved;
    if (!given.has('limit')) problems.add(`limit is required: ${rateLimitRules.limit.expects}`);
    const capacity = algorithm === 'token-bucket' || algorithm === 'leaky-bucket' ? burst : limit;
    if (typeof cost === 'number' && cost > capacity)
      problems.add(`cost must be at most the capacity (${capacity}), got ${cost}: no call would ever pass`);
  },
  instances: {
    settings(options): RateLimiterSettings {
      const { name: _, ...rest } = settingsOf(rateLimitRules, options) as unknown as Resolved;
      const burst = rest.burst ?? rest.limit;
      const isPaced = rest.algorithm === 'leaky-bucket';
      return {
        ...rest,
        burst,
        maxWait: rest.maxWait ?? (isPaced ? Infinity : 0),
        maxQueue: rest.maxQueue ?? (isPaced ? burst : Infinity),
      };
    },
    create: (name, settings, _options, environment) =>
      new RateLimiter(name, settings as RateLimiterSettings, environment) satisfies ObservedLimiter,
  },
  build(options, { instance }) {
    return [{ strategy: new RateLimitStrategy(instance as RateLimiter, options as unknown as RateLimitUse) }];
  },
} as const satisfies PolicyKind;
