/** p-timeout: a time limit. */
import { pick } from '../versions.mjs';

const { default: pTimeout } = await pick('p-timeout');

export default {
  name: 'p-timeout',
  layers: ['timeout'],
  has: [],
  protect:
    (method, _layers, { timeoutMs }) =>
    (value) =>
      pTimeout(method(value), { milliseconds: timeoutMs }),
};
