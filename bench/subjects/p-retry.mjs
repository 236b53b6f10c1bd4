/** p-retry: retries. */
import { pick } from '../versions.mjs';

const { default: pRetry } = await pick('p-retry');

export default {
  name: 'p-retry',
  layers: ['retry'],
  has: [],
  protect:
    (method, _layers, { attempts }) =>
    (value) =>
      pRetry(() => method(value), { retries: attempts - 1, minTimeout: 0, maxTimeout: 0 }),
};
