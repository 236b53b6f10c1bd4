import { createResilience, type RateLimitAlgorithm, type RateLimitOptions } from '../../src/core.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { mismatches, nameOf, runSteps } from './replay.js';
import { vectors, type Vector } from './vectors.js';

function optionsOf({ options }: Vector): RateLimitOptions {
  const given = options as { algorithm: RateLimitAlgorithm; limit: number; per_ms: number; burst?: number; max_wait_ms?: number };
  return {
    algorithm: given.algorithm,
    limit: given.limit,
    per: given.per_ms,
    ...(given.burst === undefined ? {} : { burst: given.burst }),
    ...(given.max_wait_ms === undefined ? {} : { maxWait: given.max_wait_ms }),
  };
}

async function replay(vector: Vector) {
  const clock = new FakeClock();
  const limiter = createResilience({ clock }).rateLimiter('vector', optionsOf(vector));
  const results: Record<string, unknown>[] = vector.steps.map(() => ({}));
  await runSteps(clock, vector.steps, (step, index) => {
    const controller = new AbortController();
    if (step.abort_at_ms !== undefined) clock.setTimer(() => controller.abort(), step.abort_at_ms - step.at_ms);
    limiter.acquire({ key: step.key, cost: step.cost ?? 1, signal: controller.signal }).then(
      () => Object.assign(results[index]!, { admitted: true, start_at_ms: clock.now() }),
      (error: unknown) =>
        Object.assign(results[index]!, {
          admitted: false,
          error: nameOf(error),
          retry_after_ms: (error as { retryAfterMs?: number }).retryAfterMs,
        }),
    );
  });
  return results;
}

describe('rate limit vectors', () => {
  it.each(vectors('rate-limit').map((vector) => [`${vector.id} ${vector.title}`, vector] as const))('%s', async (_title, vector) => {
    const results = await replay(vector);
    const problems = vector.expect.flatMap((expected, index) =>
      mismatches(results[index]!, expected).map((problem) => `step ${index}: ${problem}`),
    );
    expect(problems).toEqual([]);
    expect(results.filter(({ admitted }) => admitted === true)).toHaveLength(vector['admitted'] as number);
  });
});
