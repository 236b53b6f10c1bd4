/** How the provider behaves: well, slowly, with every second answer an error, with 429, without any answer, or slowly and always wrong. */
export const MODES = ['healthy', 'slow', 'failing', 'refusing', 'hanging', 'ailing'] as const;
export type Mode = (typeof MODES)[number];

export function isMode(value: unknown): value is Mode {
  return (MODES as readonly unknown[]).includes(value);
}

/** Which half of the shop calls. */
export type Side = 'protected' | 'unprotected';
