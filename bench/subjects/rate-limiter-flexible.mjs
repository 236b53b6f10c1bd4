/** rate-limiter-flexible: a fixed window in memory. */
import { RateLimiterMemory } from 'rate-limiter-flexible';

export default {
  name: 'rate-limiter-flexible',
  layers: ['rateLimit'],
  has: [],
  protect(method, _layers, { limit, perMs }) {
    const limiter = new RateLimiterMemory({ points: limit, duration: perMs / 1000 });
    return async (value) => {
      await limiter.consume('all');
      return method(value);
    };
  },
};
