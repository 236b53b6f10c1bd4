/** p-queue: bounds what runs at a time. Its queue has no bound, so it never turns a call away. */
import { pick } from '../versions.mjs';

const { default: PQueue } = await pick('p-queue');

export default {
  name: 'p-queue',
  layers: ['bulkhead'],
  has: ['queue'],
  protect(method, _layers, { concurrent }) {
    const queue = new PQueue({ concurrency: concurrent });
    return (value) => queue.add(() => method(value));
  },
};
