import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Bulkhead, CircuitBreaker, policies, Resilience, Retry, RateLimit, SkipResilience, Timeout } from '../../src/index.js';
import { closeAll, service, start, told } from '../support/nest.js';

afterEach(closeAll);

const retry = (maxAttempts: number) => ({ maxAttempts, backoff: 'none' }) as const;

abstract class Base {
  calls = 0;

  @Retry(retry(2))
  async work(): Promise<string> {
    this.calls++;
    throw new Error(`after ${this.calls}`);
  }
}

describe('inheritance', () => {
  it('protects an inherited method for each concrete class on its own', async () => {
    @Injectable()
    class One extends Base {}
    @Injectable()
    class Two extends Base {}
    const app = await start({ providers: [One, Two] });
    await expect(app.get(One).work()).rejects.toThrow('after 2');
    expect(service(app).metrics('One.work').operations).toBe(1);
    expect(service(app).metrics('Two.work').operations).toBe(0);
  });

  it('does not protect an override without a decorator', async () => {
    @Injectable()
    class Plain extends Base {
      override async work(): Promise<string> {
        this.calls++;
        throw new Error(`plain ${this.calls}`);
      }
    }
    const app = await start({ providers: [Plain] });
    await expect(app.get(Plain).work()).rejects.toThrow('plain 1');
    expect(service(app).list()).toEqual([]);
  });

  it('takes a decorated super method below a decorated override for an operation of the class that declares it', async () => {
    @Injectable()
    class Over extends Base {
      @Retry(retry(3))
      override async work(): Promise<string> {
        return super.work();
      }
    }
    const app = await start({ providers: [Over] });
    await expect(app.get(Over).work()).rejects.toThrow('after 6');
    expect(service(app).metrics('Over.work')).toMatchObject({ operations: 1, retryAttempts: 2 });
    expect(service(app).metrics('Base.work')).toMatchObject({ operations: 3, retryAttempts: 3 });
  });

  it('takes two classes of one name for two operations, and says so', async () => {
    const make = () => {
      @Injectable()
      class Twin {
        @CircuitBreaker({ consecutiveFailures: 1 })
        async work(): Promise<void> {
          throw new Error('no');
        }
      }
      return Twin;
    };
    const [First, Second] = [make(), make()];
    const { warnings, logger } = told();
    const app = await start({ providers: [First, Second] }, { logger, logs: false });
    await expect(app.get(First).work()).rejects.toThrow('no');
    await expect(app.get(Second).work()).rejects.toThrow('no');
    await expect(app.get(First).work()).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(
      service(app)
        .list()
        .map(({ operationId }) => operationId),
    ).toEqual(['Twin.work', 'Twin.work#2']);
    expect(warnings).toEqual(['two operations are called Twin.work; the second one is shown as Twin.work#2']);
  });
});

describe('a decorated class', () => {
  it('protects its own and inherited async methods, but not hooks, sync methods and accessors', async () => {
    class Parent {
      failures = 0;

      async inherited(): Promise<never> {
        this.failures++;
        throw new Error('inherited');
      }
    }
    @Retry(retry(3))
    @Injectable()
    class Child extends Parent implements OnModuleInit {
      inits = 0;

      get value(): number {
        throw new Error('a getter was read');
      }

      onModuleInit(): void {
        this.inits++;
      }

      async own(): Promise<never> {
        this.failures++;
        throw new Error('own');
      }

      @Retry(retry(5))
      async special(): Promise<never> {
        this.failures++;
        throw new Error('special');
      }

      @Resilience(policies.none())
      async free(): Promise<never> {
        this.failures++;
        throw new Error('free');
      }

      sync(): number {
        return 5;
      }
    }
    const app = await start({ providers: [Child, Parent] });
    const child = app.get(Child);
    for (const [method, attempts] of [
      ['own', 3],
      ['inherited', 3],
      ['special', 5],
      ['free', 1],
    ] as const) {
      child.failures = 0;
      await expect(child[method]()).rejects.toThrow(method);
      expect(child.failures).toBe(attempts);
    }
    expect(child.sync()).toBe(5);
    expect(child.inits).toBe(1);
    const parent = app.get(Parent);
    await expect(parent.inherited()).rejects.toThrow('inherited');
    expect(parent.failures).toBe(1);
    expect(
      service(app)
        .list()
        .map(({ operationId }) => operationId)
        .toSorted(),
    ).toEqual(['Child.free', 'Child.inherited', 'Child.own', 'Child.special']);
  });

  it('gives way to what is nearer: a preset, the class, its subclass, the method', async () => {
    @Resilience('slowly')
    class Parent {
      async work(): Promise<void> {}
    }
    @Retry(retry(5))
    @Injectable()
    class Child extends Parent {
      @Timeout('1s')
      async own(): Promise<void> {}
    }
    const preset = policies.combine(policies.retry(9), policies.timeout('9s'), policies.rateLimit(9));
    const app = await start(
      { providers: [Child] },
      { presets: { slowly: preset }, defaults: { retry: { maxAttempts: 4 }, rateLimit: { per: '9s' } as never } },
    );
    const { pipeline } = service(app).explain('Child.work');
    expect(
      pipeline.map(({ kind, options }) => [
        kind,
        Object.values(options)
          .map(({ source }) => source)
          .filter((source) => source !== 'default'),
      ]),
    ).toEqual([
      ['retry', ['class', 'class']],
      ['rateLimit', ['defaults', 'preset slowly']],
      ['timeout', ['preset slowly']],
    ]);
    expect(
      service(app)
        .explain('Child.own')
        .pipeline.map(({ kind }) => kind),
    ).toEqual(['retry', 'timeout']);
  });

  it('has the order that the class, or the method, says', async () => {
    @Resilience({ order: 'declared' })
    @Injectable()
    class Declared {
      @RateLimit(5)
      @Retry(3)
      async work(): Promise<void> {}

      @Resilience({ order: ['retry', 'rateLimit', 'fallback', 'circuitBreaker', 'timeout', 'bulkhead'] })
      @RateLimit(5)
      @Retry(3)
      async other(): Promise<void> {}
    }
    const app = await start({ providers: [Declared] });
    const kinds = (id: string) =>
      service(app)
        .explain(id)
        .pipeline.map(({ kind }) => kind);
    expect([kinds('Declared.work'), kinds('Declared.other')]).toEqual([
      ['rateLimit', 'retry'],
      ['retry', 'rateLimit'],
    ]);
  });
});

describe('a method that calls another one of its class', () => {
  it('is warned of where both share a queue without queueTimeout, and only there', async () => {
    const options = { name: 'db', maxConcurrent: 1, maxQueue: 10 } as const;
    @Bulkhead(options)
    @Injectable()
    class Endless {
      async all(): Promise<unknown> {
        return this.page();
      }

      async page(): Promise<void> {}
    }
    @Bulkhead({ ...options, name: 'bounded', queueTimeout: '1s' })
    @Injectable()
    class Bounded {
      async all(): Promise<void> {}
      async page(): Promise<void> {}
    }
    @Bulkhead({ ...options, name: 'inner' })
    @Injectable()
    class Marked {
      async all(): Promise<unknown> {
        return this.page();
      }

      @SkipResilience()
      async page(): Promise<string> {
        return 'page';
      }
    }
    @Bulkhead({ maxConcurrent: 1, maxQueue: 10 })
    @Injectable()
    class Unnamed {
      async all(): Promise<unknown> {
        return this.page();
      }

      async page(): Promise<string> {
        return 'page';
      }
    }
    const lines: string[] = [];
    const logger = { log: () => undefined, error: () => undefined, warn: (message: string) => lines.push(message) };
    const app = await start({ providers: [Endless, Bounded, Marked, Unnamed] }, {}, undefined, logger);
    expect(lines).toEqual([expect.stringMatching(/^Endless: all, page share the queue of bulkhead "db", which has no queueTimeout/)]);
    await expect(app.get(Marked).all()).resolves.toBe('page');
    await expect(app.get(Unnamed).all()).resolves.toBe('page');
  });
});

describe('mistakes', () => {
  it('of the whole application come in one error at startup', async () => {
    @Injectable()
    class First {
      @Retry({ maxAttempts: 0, backof: 'none' } as never)
      async work(): Promise<void> {}
    }
    @Injectable()
    class Second {
      @Resilience('paymnets')
      async preset(): Promise<void> {}

      @CircuitBreaker({ window: 5, minimumCalls: 6 })
      async breaker(): Promise<void> {}
    }
    await expect(start({ providers: [First, Second] }, { presets: { payments: policies.retry(3) } })).rejects.toMatchObject({
      code: 'ERR_RESILIENCE_CONFIG',
      problems: [
        'First.work: @Retry maxAttempts must be an integer >= 1 or Infinity, got 0',
        'First.work: @Retry has no option "backof"; did you mean "backoff"?',
        'Second.preset: there is no preset "paymnets"; did you mean "payments"?; name it in forRoot({ presets })',
        'Second.breaker: @CircuitBreaker minimumCalls must be at most the count window (5 calls), got 6: it would never open',
      ],
    });
  });

  it.each<[string, () => unknown, string]>([
    [
      'a static method',
      () => {
        class A {
          static async work(): Promise<void> {}
        }
        decorate(A, 'work', Object.getOwnPropertyDescriptor(A, 'work'));
      },
      '@Retry cannot protect the static method A.work',
    ],
    [
      'an accessor',
      () => {
        class A {
          get work(): number {
            return 1;
          }
        }
        decorate(A.prototype, 'work', Object.getOwnPropertyDescriptor(A.prototype, 'work'));
      },
      '@Retry cannot protect the accessor A.work',
    ],
    [
      'a field',
      () => {
        class A {}
        decorate(A.prototype, 'work', undefined);
      },
      '@Retry cannot protect the field A.work',
    ],
    [
      'a value',
      () => {
        class A {}
        decorate(A.prototype, 'work', { value: 5 });
      },
      '@Retry cannot protect A.work: it is no method',
    ],
    [
      'a standard decorator',
      () => decorate(() => 1, { kind: 'method' } as never, undefined),
      '@Retry needs "experimentalDecorators": true',
    ],
    ['an object', () => (Retry(3) as (target: object) => void)({}), '@Retry stands on a class or a method'],
  ])('%s is rejected', (_what, run, said) => {
    expect(run).toThrow(said);
  });

  function decorate(target: object, key: string, descriptor: PropertyDescriptor | undefined): void {
    (Retry(3) as (target: object, key: string, descriptor: PropertyDescriptor | undefined) => void)(target, key, descriptor);
  }

  it('a method that says that it returns a plain value is rejected', () => {
    expect(() => {
      class A {
        work(): number {
          return 5;
        }
      }
      Reflect.defineMetadata('design:returntype', Number, A.prototype, 'work');
      decorate(A.prototype, 'work', Object.getOwnPropertyDescriptor(A.prototype, 'work'));
    }).toThrow('@Retry cannot protect A.work: it returns a plain value (number), not a Promise or an Observable');
  });

  it('a foreign wrapper between two decorators of ours is reported at startup', async () => {
    const foreign: MethodDecorator = (_target, _key, descriptor) => {
      const inner = descriptor.value as unknown as (...args: unknown[]) => unknown;
      descriptor.value = function (this: unknown, ...args: unknown[]) {
        return inner.apply(this, args);
      } as never;
    };
    @Injectable()
    class Mixed {
      @Retry(retry(2))
      @foreign
      @Timeout('1s')
      async work(): Promise<void> {}
    }
    const lines: string[] = [];
    const logger = { log: () => undefined, error: () => undefined, warn: (message: string) => lines.push(message) };
    await start({ providers: [Mixed] }, {}, undefined, logger);
    expect(lines.join()).toContain("Mixed.work: another library's decorator stands between two of nestjs-bulwark");
  });
});
