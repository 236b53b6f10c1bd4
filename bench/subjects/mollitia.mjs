/** mollitia: modules in a circuit. Its fallback rejects with what the callback gives, so it answers nothing. */
import * as mollitia from 'mollitia';

const MODULES = {
  retry: ({ attempts }) => new mollitia.Retry({ attempts: attempts - 1, interval: 0 }),
  circuitBreaker: ({ window }) =>
    new mollitia.SlidingCountBreaker({
      slidingWindowSize: typeof window === 'number' ? window : 100,
      minimumNumberOfCalls: 10,
      failureRateThreshold: 50,
      openStateDelay: 3_600_000,
    }),
  rateLimit: ({ limit, perMs }) => new mollitia.Ratelimit({ limitForPeriod: limit, limitPeriod: perMs }),
  timeout: ({ timeoutMs }) => new mollitia.Timeout({ delay: timeoutMs }),
  bulkhead: ({ concurrent }) => new mollitia.Bulkhead({ concurrentSize: concurrent, queueSize: 0 }),
};

// Its rate limit keeps the time of each call of the period, so the generous limit of these scenarios would fill the memory.
const LAYERS = Object.keys(MODULES).filter((layer) => layer !== 'rateLimit');

export default {
  name: 'mollitia',
  layers: LAYERS,
  has: [],
  protect(method, layers, config) {
    const wanted = layers.filter((layer) => LAYERS.includes(layer));
    const circuit = new mollitia.Circuit({ options: { modules: wanted.map((layer) => MODULES[layer](config)) } });
    return (value) => circuit.fn(method).execute(value);
  },
};
