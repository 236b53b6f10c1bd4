import ms from 'ms';

/** A unit that a duration string may end in. */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd';

/** Milliseconds as a number, or a number with its unit: `250`, `'250ms'`, `'10s'`, `'5m'`, `'2h'`. */
export type Duration = number | `${number}${DurationUnit}`;

/** How a duration with its unit is written. */
export const DURATION_PATTERN = String.raw`^\d+(\.\d+)?(ms|s|m|h|d)$`;

const SPELLING = new RegExp(DURATION_PATTERN);

/**
 * Milliseconds of a duration.
 * @returns `undefined` for anything that is not a duration (negative, not finite, without a unit).
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string' || !SPELLING.test(value)) return undefined;
  return ms(value as ms.StringValue);
}

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;

/** Milliseconds as an option is written: `'1m'`, `'90s'`, `'250ms'`. */
export function writeDuration(milliseconds: number): string {
  if (milliseconds === Infinity) return 'Infinity';
  for (const [unit, size] of Object.entries(UNITS)) {
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return `${milliseconds}ms`;
}

/** Milliseconds in words for messages: `850 ms`, `12.3 s`, `5 min`. */
export function describeDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.ceil(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${Math.ceil(milliseconds / 100) / 10} s`;
  return `${Math.ceil(milliseconds / 6000) / 10} min`;
}
