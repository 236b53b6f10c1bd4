import fc from 'fast-check';

/** At least so many schedules a property. */
export const SCHEDULES = { numRuns: 1000 } as const;

/** A schedule of steps with the time between them, in milliseconds. */
export function schedule<Step>(
  step: fc.Arbitrary<Step>,
  longestPause: number,
): fc.Arbitrary<{ readonly afterMs: number; readonly step: Step }[]> {
  return fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: longestPause }), step }), { minLength: 1, maxLength: 40 });
}
