import { createResilience, policies } from '../../src/core.js';

const resilience = createResilience();

/** Which of the caller's functions are in the ten lines that Node keeps of a stack. */
async function framesOf(maxAttempts: number, backoff: 'none' | '1ms', task: () => Promise<never>): Promise<readonly string[]> {
  async function outermost(): Promise<unknown> {
    return await middle();
  }
  async function middle(): Promise<unknown> {
    return await innermost();
  }
  async function innermost(): Promise<unknown> {
    return await resilience.execute(policies.retry({ maxAttempts, backoff }), task);
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
    await expect(framesOf(attempts, backoff, kinds[when]!)).resolves.toEqual(['innermost', 'middle', 'outermost']);
  });
});
