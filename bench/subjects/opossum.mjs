/** opossum: a circuit breaker with a time limit, a limit on what runs at a time (capacity) and a fallback. */
import { pick } from '../versions.mjs';

const { default: CircuitBreaker } = await pick('opossum');

export default {
  name: 'opossum',
  layers: ['fallback', 'circuitBreaker', 'timeout', 'bulkhead'],
  has: [],
  protect(method, layers, { timeoutMs, concurrent }) {
    const breaker = new CircuitBreaker(method, {
      timeout: layers.includes('timeout') ? timeoutMs : false,
      errorThresholdPercentage: layers.includes('circuitBreaker') ? 50 : 100.1,
      resetTimeout: 3_600_000,
      ...(layers.includes('bulkhead') ? { capacity: concurrent } : {}),
    });
    if (layers.includes('fallback')) breaker.fallback(() => 'fallback');
    return (value) => breaker.fire(value);
  },
};
