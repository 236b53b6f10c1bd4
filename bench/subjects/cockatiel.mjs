/** cockatiel: fallback, retry, circuit breaker, timeout and bulkhead; it has no rate limit. */
import { pick } from '../versions.mjs';

const {
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  CountBreaker,
  fallback,
  handleAll,
  noop,
  retry,
  SamplingBreaker,
  timeout,
  TimeoutStrategy,
  wrap,
} = await pick('cockatiel');

const POLICIES = {
  fallback: () => fallback(handleAll, 'fallback'),
  retry: ({ attempts }) => retry(handleAll, { maxAttempts: attempts - 1 }),
  circuitBreaker: ({ window }) =>
    circuitBreaker(handleAll, {
      halfOpenAfter: 3_600_000,
      breaker:
        typeof window === 'number'
          ? CountBreaker === undefined
            ? new ConsecutiveBreaker(10)
            : new CountBreaker({ size: window, threshold: 0.5 })
          : new SamplingBreaker({ duration: 10_000, threshold: 0.5, minimumRps: 0 }),
    }),
  timeout: ({ timeoutMs }) => timeout(timeoutMs, TimeoutStrategy.Aggressive),
  bulkhead: ({ concurrent }) => bulkhead(concurrent, 0),
};

export default {
  name: 'cockatiel',
  layers: Object.keys(POLICIES),
  has: [],
  protect(method, layers, config) {
    const wanted = layers.filter((layer) => POLICIES[layer] !== undefined);
    const policy = wanted.length === 0 ? noop : wrap(...wanted.map((layer) => POLICIES[layer](config)));
    return (value) => policy.execute(() => method(value));
  },
};
