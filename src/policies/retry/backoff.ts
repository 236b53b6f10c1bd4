import type { RandomSource } from '../../engine/clock.js';
import type { Backoff } from './retry.policy.js';

/** Without a `maxDelay`: about 285,000 years, so that no formula gives Infinity or NaN. */
const MAX_DELAY_MS = Number.MAX_SAFE_INTEGER;

/**
 * The delay in milliseconds after a failed attempt (from 1 on).
 * @param previousDelay The delay before that attempt; only decorrelated jitter looks at it.
 */
export function nextDelay(backoff: Backoff, attempt: number, previousDelay: number | undefined, random: RandomSource): number {
  const { initialDelay, jitter } = backoff;
  const maxDelay = Math.min(backoff.maxDelay, MAX_DELAY_MS);
  if (jitter === 'decorrelated') {
    const highest = 3 * (previousDelay ?? initialDelay);
    return Math.min(maxDelay, initialDelay + random() * Math.max(0, highest - initialDelay));
  }
  return Math.min(maxDelay, spread(Math.min(maxDelay, plainDelay(backoff, attempt)), jitter, random));
}

/** The delay without jitter and cap. Grows to Infinity, never to NaN, however many attempts there were. */
function plainDelay({ type, initialDelay, multiplier }: Backoff, attempt: number): number {
  if (type === 'constant') return initialDelay;
  return type === 'linear' ? initialDelay * attempt : initialDelay * multiplier ** (attempt - 1);
}

function spread(delay: number, jitter: Exclude<Backoff['jitter'], 'decorrelated'>, random: RandomSource): number {
  if (jitter === 'none') return delay;
  if (jitter === 'full') return delay * random();
  if (jitter === 'equal') return (delay / 2) * (1 + random());
  return delay * (1 - jitter + 2 * jitter * random());
}
