import fc from 'fast-check';
import { policies, ResilienceConfigError, type BulkheadOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';
import { SCHEDULES } from './support.js';

type Changeable = Pick<BulkheadOptions, 'maxConcurrent' | 'maxQueue' | 'queueTimeout'>;

const some = fc.record(
  { maxConcurrent: fc.integer({ min: 1, max: 4 }), maxQueue: fc.integer({ min: 1, max: 4 }), queueTimeout: fc.integer({ min: 1, max: 4 }) },
  { requiredKeys: [] },
);

const steps = fc.array(
  fc.oneof(
    fc.record({ what: fc.constant('reconfigure' as const), options: some }),
    fc.record({ what: fc.constant('resize' as const), maxConcurrent: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      what: fc.constantFrom('decorate' as const, 'execute' as const, 'unnamed' as const, 'wrap' as const, 'by hand' as const),
      options: fc.option(some, { nil: undefined }),
    }),
  ),
  { minLength: 1, maxLength: 20 },
);

/** What a bulkhead called `db` goes by, as plain as it can be said. */
class Model {
  declared: Changeable | undefined;
  changes: Changeable = {};

  get live(): Changeable {
    return { maxConcurrent: 10, maxQueue: 5, ...this.declared, ...this.changes };
  }

  /** Whether a declaration is taken: the first one, and those that say the same. */
  takes(options: Changeable): boolean {
    this.declared ??= options;
    const all = (one: Changeable): string => JSON.stringify([one.maxConcurrent ?? 10, one.maxQueue ?? 5, one.queueTimeout]);
    return all(options) === all(this.declared);
  }
}

describe('settings of a name', () => {
  it('are the declared ones with what was changed since, whoever declares again and in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(some, steps, async (first, plan) => {
        const lab = new Lab();
        const model = new Model();
        const { resilience } = lab;
        // Everything has a queue, so that each set of options is right by itself.
        const policy = (options: Changeable) => policies.bulkhead({ maxQueue: 5, ...options, name: 'db' });
        let count = 0;
        for (const step of [{ what: 'execute', options: first } as const, ...plan]) {
          if (step.what === 'resize') {
            resilience.bulkhead('db').resize(step.maxConcurrent);
            model.changes = { ...model.changes, maxConcurrent: step.maxConcurrent };
          } else if (step.what === 'reconfigure') {
            resilience.reconfigure('db', { bulkhead: step.options });
            model.changes = { ...model.changes, ...step.options };
          } else {
            const options = step.options ?? first;
            const name = `op${count++}`;
            const declare = {
              decorate: () => resilience.declare(name, policy(options)),
              execute: () => resilience.execute(policy(options), () => 1, { name }),
              unnamed: () => resilience.execute(policy(options), () => 1),
              wrap: () => resilience.wrap(policy(options), async () => 1),
              'by hand': () => resilience.bulkhead('db', { maxQueue: 5, ...options }),
            }[step.what];
            let rejected = false;
            try {
              await declare();
            } catch (error) {
              expect(error).toBeInstanceOf(ResilienceConfigError);
              rejected = true;
            }
            expect(rejected).toBe(!model.takes(options));
            if (!rejected && (step.what === 'decorate' || step.what === 'execute')) {
              const shown = resilience.explain(name).pipeline[0]!.options;
              expect(JSON.parse(JSON.stringify([shown['maxConcurrent']!.value, shown['maxQueue']!.value]))).toEqual([
                model.live.maxConcurrent,
                model.live.maxQueue,
              ]);
              expect(shown['queueTimeout']?.value).toBe(model.live.queueTimeout);
            }
          }
          expect(resilience.bulkhead('db').maxConcurrent).toBe(model.live.maxConcurrent);
        }
        // What is in force is what calls meet.
        const calls = Array.from({ length: 10 }, () => lab.call(policy(first), 'hang', { name: 'op0' }));
        await lab.clock.advance(0);
        const { maxConcurrent = 10, maxQueue = 5, queueTimeout } = model.live;
        expect(calls.filter(({ starts }) => starts.length > 0)).toHaveLength(Math.min(10, maxConcurrent));
        expect(resilience.bulkhead('db').queued).toBe(Math.min(10 - Math.min(10, maxConcurrent), maxQueue));
        await lab.clock.advance(100);
        if (queueTimeout !== undefined) expect(resilience.bulkhead('db').queued).toBe(0);
      }),
      { ...SCHEDULES, numRuns: Math.min(300, SCHEDULES.numRuns) },
    );
  });
});
