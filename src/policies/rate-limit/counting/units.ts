/** How permits come back, in numbers. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

/**
 * A rate in whole numbers of one unit, so that counting rounds nothing: additions of integers below 2^53 are exact, where
 * those of fractions of a millisecond drift by a permit within a day of uptime.
 */
export interface Units {
  /** Units of one permit. */
  readonly permit: number;
  /** Units that come back in a millisecond. */
  readonly perMs: number;
  /** Units of what a call costs: exact to six decimals of a permit where the limit leaves room for that. */
  of(cost: number): number;
}

/** The finest unit is a millionth of what a permit has to be divided into anyway. */
const FINEST = 1_000_000;
/** Sums stay sixteen times below the largest exact integer, which leaves room for the fractions of a clock. */
const MAX_UNITS = 2 ** 49;
/** Differences below it are rounding: what is counted comes in whole units. */
export const HALF_UNIT = 0.5;

/** Units in which a permit and what comes back in a millisecond are both whole, and `most` permits are counted exactly. */
export function refillUnits({ limit, perMs }: Rate, most: number): Units {
  let decimals = 1;
  while (decimals < 1000 && !Number.isInteger(perMs * decimals)) decimals *= 10;
  const [period, permits] = [perMs * decimals, limit * decimals];
  const divisor = Number.isInteger(period) ? greatestCommonDivisor(period, permits) : 1;
  const finer = finest((period / divisor) * most);
  return unitsOf((period / divisor) * finer, (permits / divisor) * finer);
}

/** Units for counting permits alone, where a sum of `most` times `factor` must be exact. */
export function countingUnits(most: number, factor: number): Units {
  return unitsOf(finest(most * factor), 0);
}

function unitsOf(units: number, perMs: number): Units {
  const permit = Math.max(1, Math.round(units));
  return {
    permit,
    perMs,
    of: (cost) => (cost === 1 ? permit : cost === 0 ? 0 : Math.max(1, Math.round(cost * permit))),
  };
}

/** The largest power of ten that still fits. */
function finest(most: number): number {
  let factor = FINEST;
  while (factor > 1 && most * factor > MAX_UNITS) factor /= 10;
  return factor;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * The first time from `time` on at which `holds`: the sum of a time and a duration may round to one just before. Doubles of
 * a clock that has run for a year are 4e-6 ms apart.
 */
export function atOrAfter(time: number, holds: (time: number) => boolean): number {
  let at = time;
  for (let step = spacingAt(time); at < Infinity && !holds(at); step *= 2) at += step;
  return at;
}

function spacingAt(time: number): number {
  return Math.max(Math.abs(time) * 2 ** -52, Number.MIN_VALUE * 2 ** 20);
}
