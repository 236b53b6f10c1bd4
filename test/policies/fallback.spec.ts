import { policies, type FallbackOptions } from '../../src/core.js';
import { Boom, Lab } from '../support/lab.js';

class Special extends Boom {}
const failing = (message: string) => () => {
  throw new Error(message);
};

type AnyFallback = Parameters<typeof policies.fallback<readonly never[], unknown>>[0];

async function answer(options: AnyFallback, error: unknown = new Boom('original')): Promise<unknown> {
  return new Lab().resilience
    .execute(policies.fallback(options), () => Promise.reject(error as Error), { args: ['a', 'b'] })
    .catch((caught: unknown) => ({ caught }));
}

describe('a fallback', () => {
  it.each<[string, AnyFallback, unknown]>([
    ['gives a fixed value', { value: 5 }, 5],
    ['gives a fixed undefined', { value: undefined }, undefined],
    ['gives a fixed value among options', { value: 5, on: Boom }, 5],
    ['gives what a function gives', () => 'made', 'made'],
    ['waits for a promise', async () => 'later', 'later'],
    ['takes the first tier that answers', { tiers: [failing('one'), () => 'two', failing('three')] }, 'two'],
    [
      'passes by tiers for other errors',
      {
        tiers: [
          { on: TypeError, use: () => 'no' },
          { on: Boom, use: { value: 'yes' } },
        ],
      },
      'yes',
    ],
    [
      'takes a tier’s answer only where it is valid',
      { tiers: [() => 1, async () => 2, () => 3], validate: (value: number) => value > 1 } as FallbackOptions<readonly never[]>,
      2,
    ],
  ])('%s', async (_what, options, expected) => {
    await expect(answer(options)).resolves.toEqual(expected);
  });

  it('is told the error and the arguments as the caller gave them', async () => {
    await expect(answer((error: unknown, ...args: unknown[]) => [(error as Error).message, ...args])).resolves.toEqual([
      'original',
      'a',
      'b',
    ]);
  });

  it('does not answer for errors that it does not name', async () => {
    for (const options of [{ value: 1, on: TypeError }, { value: 1, ignore: Boom }, { tiers: [{ on: TypeError, use: () => 1 }] }]) {
      await expect(answer(options)).resolves.toMatchObject({ caught: { message: 'original' } });
    }
    await expect(answer({ value: 1 }, Object.assign(new Error('not found'), { status: 404 }))).resolves.toMatchObject({
      caught: { message: 'not found' },
    });
  });

  it('throws the last tier’s error with the original as its cause, where none answers', async () => {
    const { caught } = (await answer({ tiers: [failing('one'), failing('two')] })) as { caught: Error };
    expect([caught.message, (caught.cause as Error).message]).toEqual(['two', 'original']);
    const invalid = (await answer({ tiers: [() => 1], validate: () => false })) as { caught: Error };
    expect(invalid.caught.message).toBe('anonymous: validate rejected the value of fallback tier 1');
    expect((invalid.caught.cause as Error).message).toBe('original');
  });

  it('leaves an error alone that has a cause, is frozen, is no error, or is the original', async () => {
    const own = new Error('own', { cause: 'mine' });
    const frozen = Object.freeze(new Error('frozen'));
    for (const error of [own, frozen, 'text']) {
      expect(
        (
          (await answer({
            tiers: [
              () => {
                throw error;
              },
            ],
          })) as { caught: unknown }
        ).caught,
      ).toBe(error);
    }
    expect(own.cause).toBe('mine');
    const original = new Special('same');
    const { caught } = (await answer(
      {
        tiers: [
          (error: unknown) => {
            throw error;
          },
        ],
      },
      original,
    )) as { caught: Error };
    expect(caught).toBe(original);
    expect(caught.cause).toBeUndefined();
  });

  it('counts a throwing validate as a tier that failed', async () => {
    await expect(
      answer({
        tiers: [() => 1, () => 2],
        validate: (value: number) => {
          if (value === 1) throw new Error('x');
          return true;
        },
      } as FallbackOptions<readonly never[]>),
    ).resolves.toBe(2);
  });

  it('answers for a bad result', async () => {
    const lab = new Lab();
    const ending = lab.call(
      policies.fallback({ tiers: [(bad: unknown) => `instead of ${String(bad)}`], onResult: (value) => value === 'bad' }),
      'ok:bad',
    );
    await lab.clock.settle();
    expect(ending.value).toBe('instead of bad');
  });

  it('tells which tier answered and which failed', async () => {
    const lab = new Lab();
    lab.call(policies.fallback({ tiers: [failing('one'), () => 2] }), 'fail', { name: 'op' });
    await lab.clock.settle();
    expect(lab.events).toEqual([
      expect.objectContaining({ type: 'fallback.failed', tier: 1, tierError: new Error('one'), policyName: 'op' }),
      expect.objectContaining({ type: 'fallback.served', tier: 2, error: expect.any(Boom) as unknown }),
      expect.objectContaining({ type: 'operation.succeeded' }),
    ]);
    expect(lab.resilience.metrics('op')).toMatchObject({ operations: 1, successes: 1, failures: 0, fallbacksServed: 1 });
  });

  it('takes a value of which `validate` gives only a promise, and says so', async () => {
    const lab = new Lab();
    const validate = (async () => Promise.reject(new Error('late'))) as never;
    const ending = lab.call(policies.fallback({ tiers: [{ value: 'taken' }], validate }), 'fail', { name: 'op' });
    await lab.clock.settle();
    expect(ending.value).toBe('taken');
    expect(lab.events).toContainEqual(expect.objectContaining({ type: 'callback.failed', callback: '@Fallback validate' }));
  });

  it('answers for an error that does not let itself be read, and leaves nothing taken', async () => {
    const lab = new Lab({ order: ['fallback', 'bulkhead', 'retry', 'circuitBreaker', 'rateLimit', 'timeout'] });
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('not to be read');
        },
        getPrototypeOf: () => {
          throw new Error('not to be read');
        },
      },
    );
    const policy = policies.combine(
      policies.fallback({ tiers: [() => Promise.reject(hostile), { value: 'answer' }] }),
      policies.bulkhead({ name: 'b', maxConcurrent: 1 }),
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.circuitBreaker(),
    );
    await expect(lab.resilience.execute(policy, () => Promise.reject(hostile as Error), { name: 'op' })).resolves.toBe('answer');
    expect(lab.resilience.bulkhead('b').running).toBe(0);
  });

  describe('warns where it answers for a mistake in the code', () => {
    const warnings = async (error: unknown, times = 1): Promise<string[]> => {
      const lab = new Lab();
      const policy = policies.fallback({ value: 1 });
      for (let time = 0; time < times; time++) {
        await lab.resilience.execute(policy, () => Promise.reject(error as Error), { name: 'op' });
        await lab.clock.advance('1s');
      }
      return lab.logged;
    };

    it.each([
      [new TypeError('x is not a function'), true],
      [new ReferenceError('x is not defined'), true],
      [new RangeError('Invalid time value'), true],
      [new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }), false],
      [new SyntaxError('Unexpected end of JSON input'), false],
      [new Boom(), false],
      ['a text', false],
    ])('%s: %p', async (error, warned) => {
      const logged = await warnings(error);
      expect(logged).toHaveLength(warned ? 1 : 0);
      if (warned) expect(logged[0]).toContain(`op: a fallback answers for what looks like a mistake in the code: "${String(error)}"`);
    });

    it('at most once a minute, with how often it was', async () => {
      const logged = await warnings(new TypeError('x'), 121);
      expect(logged).toHaveLength(3);
      expect(logged[1]).toContain('(and 59 times more since the last warning)');
    });
  });
});
