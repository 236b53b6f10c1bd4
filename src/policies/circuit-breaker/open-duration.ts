import type { Environment } from '../../engine/environment.js';
import { parseDuration, formatValue, type Duration } from '../../options/index.js';
import type { OpenDuration } from './circuit-breaker.policy.js';

/** Where the function of a user gave no duration, the default of `openDuration`. */
export const DEFAULT_OPEN_MS = 30_000;

/** How long a circuit stays open, in milliseconds, after so many openings in a row. */
export function openMsOf(openDuration: OpenDuration, openings: number, environment: Environment): number {
  if (typeof openDuration === 'number') return openDuration;
  if (typeof openDuration === 'function') return ask(openDuration, openings, environment);
  const { initial, multiplier, max } = openDuration;
  return Math.min(max, initial * multiplier ** (openings - 1));
}

function ask(openDuration: (openings: number) => Duration, openings: number, environment: Environment): number {
  const location = '@CircuitBreaker openDuration';
  const given = environment.ask(
    location,
    undefined,
    () => openDuration(openings),
    () => DEFAULT_OPEN_MS,
  );
  const openMs = parseDuration(given);
  if (openMs !== undefined) return openMs;
  environment.callbackFailed(location, undefined, new TypeError(`openDuration must give a duration, got ${formatValue(given)}`));
  return DEFAULT_OPEN_MS;
}
