import type { Resilience } from '../resilience.js';

/** Nobody is told when a line is empty: calls pay nothing for a shutdown that comes once. */
const LOOK_EVERY_MS = 10;

/** Waits until nobody stands in a line any more, for so long at most. */
export async function untilNobodyWaits(resilience: Resilience, atMostMs: number): Promise<void> {
  const { clock } = resilience.environment;
  const end = clock.now() + atMostMs;
  const somebodyWaits = (): boolean =>
    resilience.bulkheads().some(({ queued }) => queued > 0) || resilience.rateLimiters().some(({ waiting }) => waiting > 0);
  while (somebodyWaits() && clock.now() < end) {
    await new Promise<void>((resolve) => void clock.setTimer(resolve, Math.min(LOOK_EVERY_MS, end - clock.now()), true));
  }
}
