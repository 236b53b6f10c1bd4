/** p-limit: bounds what runs at a time. Its queue has no bound, so it never turns a call away. */
import pLimit from 'p-limit';

export default {
  name: 'p-limit',
  layers: ['bulkhead'],
  has: ['queue'],
  protect(method, _layers, { concurrent }) {
    const limit = pLimit(concurrent);
    return (value) => limit(method, value);
  },
};
