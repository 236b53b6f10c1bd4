import fc from 'fast-check';

/** So many schedules a property; `SCHEDULES=20000` looks longer. */
export const SCHEDULES = { numRuns: Number(process.env['SCHEDULES'] ?? 1000) };

/** A schedule of steps with the time between them, in milliseconds. */
export function schedule<Step>(
  step: fc.Arbitrary<Step>,
  longestPause: number,
): fc.Arbitrary<{ readonly afterMs: number; readonly step: Step }[]> {
  return fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: longestPause }), step }), { minLength: 1, maxLength: 40 });
}
