import { formatValue } from '../../options/index.js';

/**
 * What a call costs, as a `cost` function or a caller by hand gives it. Anything else would not be counted: NaN would
 * make a limiter let everything pass, and a negative cost would make permits.
 * @throws TypeError for anything but a number >= 0.
 */
export function checkCost(cost: unknown, source: string): number {
  if (typeof cost === 'number' && cost >= 0) return cost;
  if (cost instanceof Promise) cost.catch(() => undefined); // an async function's rejection is nobody else's
  throw new TypeError(`${source} a number >= 0, got ${cost instanceof Promise ? 'a promise' : formatValue(cost)}`);
}
