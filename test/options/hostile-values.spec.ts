import { firstValueFrom, of } from 'rxjs';
import { createResilience, policies, ResilienceConfigError, ResilienceError, type Policy, type Resilience } from '../../src/core.js';
import { kindTable } from '../../src/policies/index.js';
import { Lab } from '../support/lab.js';

const thrower = Object.defineProperty({}, 'x', {
  enumerable: true,
  get() {
    throw new TypeError('a getter of the user');
  },
});

const VALUES: readonly (readonly [string, unknown])[] = [
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-1', -1],
  ['an empty text', ''],
  ['a space', ' '],
  ['a list', []],
  ['an object', {}],
  ['null', null],
  ['a thenable', { then: (done: (value: unknown) => void) => done(1) }],
  ['a throwing getter', thrower],
  ['a very long text', 'x'.repeat(100_000)],
  ['control characters', '\u0000\u001B[2J\r\n'],
  ['what is not Latin-1', '支払い💥'],
  ['a symbol', Symbol('s')],
  ['a bigint', 10n],
];

/** What may come out: nothing wrong, or an error of ours. */
function judge(error: unknown): void {
  expect(error instanceof ResilienceError ? 'an error of ours' : error).toBe('an error of ours');
  // What is shown of a value never floods a log, nor forges a line of it.
  if (error instanceof ResilienceConfigError) for (const problem of error.problems) expect(problem.length).toBeLessThan(1000);
}

function attempt(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    judge(error);
  }
}

/** What each kind needs beside the option that is looked at. */
const NEEDED: Record<string, object> = { rateLimit: { limit: 5 }, timeout: { duration: 50 }, fallback: { value: 1 } };
const OPTIONS = kindTable.flatMap(({ kind, rules }) => Object.keys(rules).map((option) => [kind, option] as const));

const used = policies.combine(
  policies.retry(1),
  policies.circuitBreaker(5),
  policies.rateLimit(5),
  policies.timeout(50),
  policies.bulkhead(5),
  policies.fallback({ value: 1 }),
);

/** Where a value of an option can be given; each gets the application's operation `op`. */
const ENTRANCES: readonly (readonly [string, (kind: string, option: string, value: unknown) => Promise<unknown> | void])[] = [
  [
    'a policy',
    (kind, option, value) =>
      new Lab().resilience.execute({ ...NEEDED[kind], kind, [option]: value } as unknown as Policy, () => 1, { name: 'op' }),
  ],
  [
    'a policy without a name',
    (kind, option, value) => new Lab().resilience.execute({ ...NEEDED[kind], kind, [option]: value } as unknown as Policy, () => 1),
  ],
  ['defaults', (kind, option, value) => new Lab({ defaults: { [kind]: { [option]: value } } }).resilience.declare('op', used)],
  ['overrides', (kind, option, value) => new Lab({ overrides: { op: { [kind]: { [option]: value } } } }).resilience.declare('op', used)],
  [
    'a variable',
    (kind, option, value) =>
      new Lab({
        env: { variables: { [`RESILIENCE_OP_${kind.toUpperCase()}_${option.toUpperCase()}`]: String(value) } },
      }).resilience.declare('op', used),
  ],
  [
    'reconfigure',
    (kind, option, value) => {
      const { resilience } = new Lab();
      resilience.declare('op', used);
      resilience.reconfigure('op', { [kind]: { [option]: value } });
    },
  ],
  ['a preset', (kind, option, value) => void new Lab({ presets: { p: { ...NEEDED[kind], kind, [option]: value } as unknown as Policy } })],
];

describe('a hostile value', () => {
  for (const [entrance, give] of ENTRANCES) {
    it.each(VALUES)(`as any option in ${entrance} is an error of ours, or works: %s`, async (_name, value) => {
      for (const [kind, option] of OPTIONS) {
        try {
          await give(kind, option, value);
        } catch (error) {
          judge(error);
        }
      }
    });
  }

  const WHOLES: readonly (readonly [string, (value: never) => unknown])[] = [
    ['the options of an application', (value) => createResilience(value)],
    ...[
      'clock',
      'random',
      'profile',
      'defaults',
      'presets',
      'overrides',
      'env',
      'order',
      'enabled',
      'stackTraces',
      'onEvent',
      'logger',
    ].map((option) => [`the option ${option}`, (value: never) => createResilience({ [option]: value })] as const),
    ['the defaults of a kind', (value) => createResilience({ defaults: { retry: value } })],
    ['an override', (value) => createResilience({ overrides: { A: value } })],
    ['an override of a kind', (value) => createResilience({ overrides: { A: { retry: value } } })],
    ['a preset', (value) => createResilience({ presets: { p: value } })],
    ['a policy', (value) => new Lab().resilience.declare('op', value)],
    ['a member of a policy', (value) => new Lab().resilience.declare('op', policies.combine(policies.retry(), value))],
    ['the policy of a function', (value) => new Lab().resilience.wrap(value, async () => 1)],
    ['a function', (value) => new Lab().resilience.wrap(policies.retry(), value)],
    ['the options of a function', (value) => new Lab().resilience.wrap(policies.retry(), async () => 1, value)],
    ['the changes of reconfigure', (value) => reconfigurable().reconfigure('op', value)],
    ['a kind of reconfigure', (value) => reconfigurable().reconfigure('op', { bulkhead: value })],
    ['the name of reconfigure', (value) => reconfigurable().reconfigure(value, { bulkhead: { maxQueue: 1 } })],
    ['the name of a breaker', (value) => new Lab().resilience.circuitBreaker(value, {})],
    ['the options of a breaker', (value) => new Lab().resilience.circuitBreaker('b', value)],
    ['the name of a bulkhead', (value) => new Lab().resilience.bulkhead(value, {})],
    ['the options of a bulkhead', (value) => new Lab().resilience.bulkhead('b', value)],
    ['the name of a limiter', (value) => new Lab().resilience.rateLimiter(value, { limit: 1 })],
    ['the options of a limiter', (value) => new Lab().resilience.rateLimiter('l', value)],
    ['the size of a bulkhead', (value) => new Lab().resilience.bulkhead('b', {}).resize(value)],
    ['the name of an operation', (value) => new Lab().resilience.explain(value)],
  ];

  it.each(WHOLES)('as %s is an error of ours, or works', (_name, give) => {
    for (const [, value] of VALUES) attempt(() => give(value as never));
  });

  const CALLS: readonly (readonly [string, (resilience: Resilience, value: never) => Promise<unknown>])[] = [
    ['the policy', (resilience, value) => resilience.execute(value, () => 1)],
    ['the policy of a name', (resilience, value) => resilience.execute(value, () => 1, { name: 'op' })],
    [
      'the policy of a name in use',
      async (resilience, value) => {
        await resilience.execute(policies.retry(), () => 1, { name: 'op' });
        return resilience.execute(value, () => 1, { name: 'op' });
      },
    ],
    ['the task', (resilience, value) => resilience.execute(policies.retry(), value)],
    ['the options', (resilience, value) => resilience.execute(policies.retry(), () => 1, value)],
    ['the name', (resilience, value) => resilience.execute(policies.retry(), () => 1, { name: value })],
    ['the signal', (resilience, value) => resilience.execute(policies.retry(), () => 1, { signal: value })],
    ['the arguments', (resilience, value) => resilience.execute(policies.retry(), () => 1, { args: value })],
    ['the policy of an Observable', (resilience, value) => firstValueFrom(resilience.executeObservable(value, () => of(1)))],
    [
      'the signal of an Observable',
      (resilience, value) => firstValueFrom(resilience.executeObservable(policies.retry(), () => of(1), { signal: value })),
    ],
    ['an operation', (resilience, value) => resilience.executeOperation(value)],
    [
      'the policy of an operation',
      (resilience, value) => resilience.executeOperation({ operationId: 'op', resiliencePolicy: () => value, execute: async () => 1 }),
    ],
    [
      'the id of an operation',
      (resilience, value) =>
        resilience.executeOperation({ operationId: value, resiliencePolicy: () => policies.retry(), execute: async () => 1 }),
    ],
  ];

  it.each(CALLS)('as %s of a call makes a promise that rejects with an error of ours, or works', async (_name, call) => {
    for (const [, value] of VALUES) {
      let promise: Promise<unknown> | undefined;
      expect(() => (promise = call(new Lab().resilience, value as never))).not.toThrow();
      await promise!.catch(judge);
    }
  });
});

function reconfigurable(): Resilience {
  const { resilience } = new Lab();
  resilience.declare('op', used);
  return resilience;
}
