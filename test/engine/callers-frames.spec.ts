import { createResilience, policies } from '../../src/core.js';

const resilience = createResilience();

/** Which of the caller's functions are in the ten lines that Node keeps of a stack. */
async function framesOf(protectedTask: () => Promise<never>): Promise<readonly string[]> {
  async function outermost(): Promise<unknown> {
    return await middle();
  }
  async function middle(): Promise<unknown> {
    return await innermost();
  }
  async function innermost(): Promise<unknown> {
    return await protectedTask();
  }
  const { stack } = (await outermost().catch((error: unknown) => error)) as Error;
  return ['innermost', 'middle', 'outermost'].filter((name) => new RegExp(`\\b${name}\\b`).test(stack!));
}

const kinds: Record<string, () => Promise<never>> = {
  'before its first await': () => {
    throw new Error('x');
  },
  'at once, as an async function': async () => {
    throw new Error('x');
  },
  'a microtask in': async () => {
    await Promise.resolve();
    throw new Error('x');
  },
};

const pauses = ['none', '1ms'] as const;

describe("an error's stack", () => {
  it.each(
    Object.keys(kinds).flatMap((when) =>
      pauses.flatMap((backoff) => [1, 2, 3, 4, 6].map((attempts) => [when, attempts, backoff] as const)),
    ),
  )('shows who called, where the method fails %s in attempt %i (backoff %s)', async (when, attempts, backoff) => {
    const task = resilience.wrap(policies.retry({ maxAttempts: attempts, backoff }), kinds[when]!);
    // The second call is ready for several attempts, because the first one took them.
    for (let calls = 0; calls < 2; calls++) await expect(framesOf(task)).resolves.toEqual(['innermost', 'middle', 'outermost']);
  });

  it.each(Object.keys(kinds))('shows who called under a time limit too, where the method fails %s', async (when) => {
    const task = resilience.wrap(policies.combine(policies.retry({ backoff: 'none' }), policies.timeout('1s')), kinds[when]!);
    for (let calls = 0; calls < 2; calls++) await expect(framesOf(task)).resolves.toEqual(['innermost', 'middle', 'outermost']);
  });

  it('shows who called after a call that needed one attempt only', async () => {
    let fails = true;
    const task = resilience.wrap(policies.retry({ maxAttempts: 2, backoff: 'none' }), async () => {
      if (fails) throw new Error('x');
    }) as () => Promise<never>;
    for (const wanted of [true, false, false, true]) {
      fails = wanted;
      if (fails) await expect(framesOf(task)).resolves.toEqual(['innermost', 'middle', 'outermost']);
      else await expect(task()).resolves.toBeUndefined();
    }
  });
});
