import { createResilience, policies } from '../../src/core.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { mismatches, nameOf, play, runSteps } from './replay.js';
import { vectors, type Step, type Vector } from './vectors.js';

interface Options {
  readonly max_concurrent: number;
  readonly max_queue?: number;
  readonly queue_timeout_ms?: number;
}

async function replay(vector: Vector) {
  const clock = new FakeClock();
  const resilience = createResilience({ clock });
  const { max_concurrent, max_queue = 0, queue_timeout_ms } = vector.options as unknown as Options;
  const policy = policies.bulkhead({
    name: 'vector',
    maxConcurrent: max_concurrent,
    maxQueue: max_queue,
    ...(queue_timeout_ms === undefined ? {} : { queueTimeout: queue_timeout_ms }),
    ...(max_queue === 0 ? {} : { priority: (priority: number | undefined) => priority ?? 0 }),
    key: (_priority: number | undefined, key: string | undefined) => key,
  });
  const results: Record<string, unknown>[] = vector.steps.map(() => ({ result: 'PENDING', invoked: false }));
  let running = 0;
  let peak = 0;
  let invocations = 0;
  const followers = (index: number, afterMethod: boolean): void =>
    vector.steps.forEach((step, follower) => {
      if (step.after !== index || (step.microtasks !== undefined) !== afterMethod) return;
      if (step.microtasks === undefined) call(step, follower);
      else void microtasks(step.microtasks).then(() => call(step, follower));
    });
  const call = (step: Step, index: number): void => {
    const controller = new AbortController();
    if (step.abort_at_ms === step.at_ms) controller.abort();
    else if (step.abort_at_ms !== undefined) clock.setTimer(() => controller.abort(), step.abort_at_ms - step.at_ms);
    const result = results[index]!;
    void resilience
      .execute(
        policy,
        () => {
          invocations++;
          peak = Math.max(peak, ++running);
          Object.assign(result, { invoked: true, start_at_ms: clock.now() });
          return play(clock, { outcome: step.outcome!, duration_ms: step.duration_ms ?? 0 }, () => {
            running--;
            followers(index, true);
          });
        },
        { signal: controller.signal, args: [step.priority, step.key] },
      )
      .then(
        (value) => Object.assign(result, { result: value, settled_at_ms: clock.now() }),
        (error: unknown) => Object.assign(result, { result: nameOf(error), settled_at_ms: clock.now() }),
      )
      .then(() => followers(index, false));
  };
  const bulkhead = resilience.bulkhead('vector', policy);
  await runSteps(clock, vector.steps, (step, index) => {
    if (step.op === 'call') call(step, index);
    else if (step.op === 'read') results[index] = { running: bulkhead.running, queued: bulkhead.queued };
    else if (step.op === 'resize') bulkhead.resize(step.max_concurrent!);
    else throw new Error(`unknown step ${step.op}`);
  });
  return { results, peak, invocations };
}

async function microtasks(count: number): Promise<void> {
  for (let done = 1; done < count; done++) await Promise.resolve();
}

describe('bulkhead vectors', () => {
  it.each(vectors('bulkhead').map((vector) => [`${vector.id} ${vector.title}`, vector] as const))('%s', async (_title, vector) => {
    const { results, peak, invocations } = await replay(vector);
    const problems = vector.expect.flatMap((expected, index) =>
      mismatches(results[index]!, expected).map((problem) => `step ${index}: ${problem}`),
    );
    expect(problems).toEqual([]);
    expect({ peak, invocations }).toEqual({ peak: vector['peak_running'], invocations: vector['invocations'] });
  });
});
