/** nestjs-bulwark without decorators: `execute(policy, task)`. */
import { createResilience, policies } from 'nestjs-bulwark/core';

const POLICIES = {
  fallback: () => policies.fallback({ value: 'fallback' }),
  retry: ({ attempts }) => policies.retry({ maxAttempts: attempts, backoff: 'none' }),
  circuitBreaker: ({ window }) => policies.circuitBreaker({ window, openDuration: '1h' }),
  rateLimit: ({ limit, perMs }) => policies.rateLimit({ limit, per: perMs }),
  timeout: ({ timeoutMs }) => policies.timeout(timeoutMs),
  bulkhead: ({ concurrent }) => policies.bulkhead(concurrent),
};

export default {
  name: 'bulwark-execute',
  layers: Object.keys(POLICIES),
  has: ['switch'],
  async protect(method, layers, config) {
    const resilience = createResilience({ enabled: config.enabled ?? true });
    const policy = policies.combine(...layers.map((layer) => POLICIES[layer](config)));
    return (value) => resilience.execute(policy, () => method(value));
  },
};
