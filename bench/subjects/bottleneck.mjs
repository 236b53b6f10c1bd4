/** bottleneck: bounds what runs at a time. Its queue has no bound, so it never turns a call away. */
import Bottleneck from 'bottleneck';

export default {
  name: 'bottleneck',
  layers: ['bulkhead'],
  has: ['queue'],
  protect(method, _layers, { concurrent }) {
    const limiter = new Bottleneck({ maxConcurrent: concurrent });
    return (value) => limiter.schedule(method, value);
  },
};
