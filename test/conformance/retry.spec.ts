import { createResilience, policies, type BackoffFunction, type RetryOptions } from '../../src/core.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { BAD, FinalError, mismatches, nameOf, play, runSteps } from './replay.js';
import { vectors, type Vector } from './vectors.js';

interface BackoffSpec {
  readonly type: string;
  readonly initial_ms?: number;
  readonly multiplier?: number;
  readonly max_ms?: number;
  readonly jitter?: 'none' | 'full' | 'equal' | 'decorrelated' | number;
  readonly list_ms?: readonly number[];
}

const VERY_LONG = 1e12;

/** Fibonacci and lists are what a backoff function is for. */
function backoffOf({ type, initial_ms = 0, multiplier, max_ms, jitter, ...rest }: BackoffSpec): NonNullable<RetryOptions['backoff']> {
  if (type === 'none') return 'none';
  if (type === 'fibonacci') return fibonacci(initial_ms);
  const list = Object.values(rest).find(Array.isArray) as readonly number[] | undefined;
  if (type === 'list') return ({ attempt }) => list![Math.min(attempt, list!.length) - 1]!;
  return {
    type: type as 'exponential',
    initialDelay: initial_ms,
    maxDelay: max_ms ?? VERY_LONG,
    jitter: jitter ?? 'none',
    ...(multiplier === undefined ? {} : { multiplier }),
  };
}

function fibonacci(first: number): BackoffFunction {
  return ({ attempt }) => {
    let [current, next] = [first, 2 * first];
    for (let step = 1; step < attempt; step++) [current, next] = [next, current + next];
    return current;
  };
}

async function replay(vector: Vector) {
  const clock = new FakeClock();
  const {
    random = 0.5,
    max_attempts,
    backoff,
    max_duration_ms,
  } = vector.options as { random?: number; max_attempts: number; backoff: BackoffSpec; max_duration_ms?: number };
  const resilience = createResilience({ clock, random: () => random });
  const results: Record<string, unknown>[] = vector.steps.map(() => ({}));
  await runSteps(clock, vector.steps, (step, index) => {
    const controller = new AbortController();
    if (step.abort_at_ms !== undefined) clock.setTimer(() => controller.abort(), step.abort_at_ms - step.at_ms);
    const starts: number[] = [];
    const delays: number[] = [];
    const policy = policies.retry({
      maxAttempts: max_attempts,
      backoff: backoffOf(backoff),
      ignore: FinalError,
      onResult: (value: unknown) => value === BAD,
      onRetry: ({ delayMs }) => delays.push(delayMs),
      ...(max_duration_ms === undefined ? {} : { maxDuration: max_duration_ms }),
    });
    const settle = (result: string): void => {
      // A wait that the caller aborted was no delay before an attempt.
      const waited = delays.slice(0, starts.length - 1);
      results[index] = {
        result,
        attempts: starts.length,
        attempt_starts_ms: starts,
        delays_ms: waited,
        settled_at_ms: clock.now(),
        last_delay_ms: waited.at(-1),
      };
    };
    resilience
      .execute(
        policy,
        ({ attempt }) => {
          starts.push(clock.now());
          return play(clock, step.attempts![Math.min(attempt, step.attempts!.length) - 1]!);
        },
        { signal: controller.signal },
      )
      .then(settle, (error: unknown) => settle(nameOf(error)));
  });
  return { results, random };
}

describe('retry vectors', () => {
  it.each(vectors('retry').map((vector) => [`${vector.id} ${vector.title}`, vector] as const))('%s', async (_title, vector) => {
    const { results, random } = await replay(vector);
    const exact = random === 0.5 || (vector.options['backoff'] as BackoffSpec).jitter === undefined;
    const problems = vector.expect.flatMap((expected, index) => {
      const { delay_bounds_ms, delays_ms, ...rest } = expected as { delay_bounds_ms?: [number, number][]; delays_ms?: number[] };
      const actual = results[index]!['delays_ms'] as number[];
      const outside = (delay_bounds_ms ?? []).filter(([low, high], at) => !(actual[at]! >= low - 1e-9 && actual[at]! <= high + 1e-9));
      const wrong =
        exact && delays_ms !== undefined && JSON.stringify(actual) !== JSON.stringify(delays_ms)
          ? [`delays ${JSON.stringify(actual)}`]
          : [];
      return [...mismatches(results[index]!, rest), ...outside.map((bounds) => `delay outside of ${JSON.stringify(bounds)}`), ...wrong];
    });
    expect(problems).toEqual([]);
  });
});
