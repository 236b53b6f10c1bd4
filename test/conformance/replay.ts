import { FakeClock } from '../../src/testing/fake-clock.js';
import { BulkheadFullError, CircuitOpenError, RateLimitExceededError, TimeoutExceededError } from '../../src/core.js';
import type { ScriptedAttempt, Step } from './vectors.js';

/** An error of a method that counts and is retried (F), counts for no policy (I), or is not retried (N). */
export class ScriptedError extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly outcome: string,
    retryAfterMs?: number,
  ) {
    super(outcome);
    this.retryAfterMs = retryAfterMs;
  }
}
export class IgnoredError extends ScriptedError {}
export class FinalError extends ScriptedError {}

/** The value of a call that returns a bad result. */
export const BAD = 'B';

/** Ends as the script says, after its time; never for H. */
export function play(
  clock: FakeClock,
  { outcome, duration_ms = 0, retry_after_ms }: ScriptedAttempt,
  settled: () => void = () => undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (outcome === 'H') return;
    clock.setTimer(() => {
      settled();
      if (outcome === 'S' || outcome === BAD) resolve(outcome);
      else if (outcome === 'I') reject(new IgnoredError(outcome));
      else if (outcome === 'N') reject(new FinalError(outcome));
      else reject(new ScriptedError(outcome, retry_after_ms));
    }, duration_ms);
  });
}

/** The short name that the vectors give to how a call ended. */
export function nameOf(error: unknown): string {
  if (error instanceof ScriptedError) return error.outcome;
  if (error instanceof CircuitOpenError) return 'OPEN';
  if (error instanceof RateLimitExceededError) return 'LIMITED';
  if (error instanceof BulkheadFullError) return error.reason === 'queue-timeout' ? 'QUEUE_TIMEOUT' : 'FULL';
  if (error instanceof TimeoutExceededError) return 'T';
  return (error as { name?: unknown } | null)?.name === 'AbortError' ? 'ABORTED' : `unexpected ${String(error)}`;
}

/** Does every step at its time and lets the rest run out. */
export async function runSteps(clock: FakeClock, steps: readonly Step[], perform: (step: Step, index: number) => void): Promise<void> {
  for (const [index, step] of steps.entries()) {
    if (step.after !== undefined) continue; // made by the continuation of another step
    if (step.at_ms > clock.now()) await clock.advance(step.at_ms - clock.now());
    perform(step, index);
  }
  await clock.settle();
  for (let rounds = 0; clock.nextTimerAt !== undefined && rounds < 10_000; rounds++) await clock.advance(clock.nextTimerAt - clock.now());
}

/** Compares what happened with a vector's expectation: the fields it names, times within a millisecond. */
export function mismatches(actual: Record<string, unknown>, expected: Record<string, unknown>): string[] {
  return Object.entries(expected).flatMap(([field, value]) =>
    close(actual[field], value) ? [] : [`${field}: expected ${JSON.stringify(value)}, got ${JSON.stringify(actual[field])}`],
  );
}

function close(actual: unknown, expected: unknown): boolean {
  if (typeof expected === 'number') return typeof actual === 'number' && Math.abs(actual - expected) <= 1;
  if (Array.isArray(expected))
    return Array.isArray(actual) && actual.length === expected.length && expected.every((item, index) => close(actual[index], item));
  return Object.is(actual, expected);
}
