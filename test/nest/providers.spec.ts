import { Controller, Get, Inject, Injectable, Scope, type OnModuleInit, type Type } from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef, REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Observable, lastValueFrom, of, throwError } from 'rxjs';
import request from 'supertest';
import {
  Attempt,
  Bulkhead,
  CircuitBreaker,
  Fallback,
  RateLimit,
  ResilienceModule,
  Retry,
  Timeout,
  type AttemptContext,
} from '../../src/index.js';
import { methodsOf } from '../../src/nest/decoration/protected-method.js';
import { closeAll, service, start, told } from '../support/nest.js';

afterEach(closeAll);

@Injectable()
class Flaky {
  calls = 0;

  @Retry({ maxAttempts: 3, backoff: 'none' })
  async work(): Promise<string> {
    if (++this.calls % 3 !== 0) throw new Error('not yet');
    return 'done';
  }
}

describe('a provider with a decorated method', () => {
  it('is protected as a singleton', async () => {
    const app = await start({ providers: [Flaky] });
    await expect(app.get(Flaky).work()).resolves.toBe('done');
    expect(service(app).metrics('Flaky.work')).toMatchObject({ operations: 1, successes: 1, retryAttempts: 2 });
  });

  it.each([
    ['REQUEST', Scope.REQUEST],
    ['TRANSIENT', Scope.TRANSIENT],
  ])('is protected in scope %s, and all its instances share the state', async (_name, scope) => {
    @Injectable({ scope })
    class Scoped {
      @CircuitBreaker({ consecutiveFailures: 2 })
      async work(): Promise<void> {
        throw new Error('no');
      }
    }
    const app = await start({ providers: [Scoped] });
    const [one, two, three] = [await app.resolve(Scoped), await app.resolve(Scoped), await app.resolve(Scoped)];
    expect(one).not.toBe(two);
    await expect(one.work()).rejects.toThrow('no');
    await expect(two.work()).rejects.toThrow('no');
    await expect(three.work()).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(service(app).list()).toHaveLength(1);
  });

  it('is protected when it is durable, by tenant', async () => {
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class PerTenant {
      constructor(@Inject(REQUEST) readonly tenant: { name: string }) {}

      @Retry({ backoff: 'none' })
      async work(@Attempt() attempt?: AttemptContext): Promise<string> {
        if (attempt!.attempt < 2) throw new Error('again');
        return this.tenant.name;
      }
    }
    const app = await start({ providers: [PerTenant] });
    const ids = ['a', 'b'].map((name) => {
      const id = ContextIdFactory.create();
      app.get(ModuleRef).registerRequestByContextId({ name }, id);
      return id;
    });
    const [a, b] = [await app.resolve(PerTenant, ids[0]), await app.resolve(PerTenant, ids[1])];
    await expect(Promise.all([a.work(), b.work(), a.work()])).resolves.toEqual(['a', 'b', 'a']);
  });

  it('keeps two concurrent requests apart', async () => {
    const arrived: (() => void)[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Client {
      constructor(@Inject(REQUEST) private readonly request: { url: string }) {}

      @Retry({ maxAttempts: 2, backoff: 'none' })
      @Bulkhead(10)
      async whoAmI(@Attempt() attempt?: AttemptContext): Promise<string> {
        await new Promise<void>((resolve) => {
          arrived.push(resolve);
          if (arrived.length === 2) arrived.splice(0).forEach((go) => go());
        });
        if (attempt!.attempt === 1) throw new Error('first');
        return this.request.url;
      }
    }
    @Controller()
    class Api {
      constructor(@Inject(Client) private readonly client: Client) {}

      @Get(['one', 'two'])
      answer(): Promise<string> {
        return this.client.whoAmI();
      }
    }
    const app = await start({ controllers: [Api], providers: [Client] });
    const answers = await Promise.all(['/one', '/two'].map((url) => request(app.getHttpServer()).get(url)));
    expect(answers.map(({ text }) => text)).toEqual(['/one', '/two']);
    expect(service(app).metrics('Client.whoAmI')).toMatchObject({ operations: 2, retryAttempts: 2 });
  });

  it('is protected where it calls itself, and where private fields are used', async () => {
    @Injectable()
    class Inner {
      #secret = 0;

      @Retry({ maxAttempts: 5, backoff: 'none' })
      async inner(): Promise<number> {
        if (++this.#secret < 3) throw new Error('again');
        return this.#secret;
      }

      async outer(): Promise<number> {
        return this.inner();
      }
    }
    const app = await start({ providers: [Inner] });
    await expect(app.get(Inner).outer()).resolves.toBe(3);
  });

  it('is protected in a lazy module, by moduleRef.create, and by useClass and useExisting', async () => {
    abstract class Token {
      abstract work(): Promise<string>;
    }
    const app = await start({
      providers: [
        { provide: Token, useClass: Flaky },
        { provide: 'alias', useExisting: Token },
      ],
    });
    await expect(app.get(Token).work()).resolves.toBe('done');
    await expect(app.get<Flaky>('alias').work()).resolves.toBe('done');
    await expect((await app.get(ModuleRef).create(Flaky)).work()).resolves.toBe('done');

    @Injectable()
    class Lazy extends Flaky {}
    class LazyModule {}
    const loaded = await app.get(LazyModuleLoader).load(() => ({ module: LazyModule, providers: [Lazy], exports: [Lazy] }));
    await expect(loaded.get(Lazy).work()).resolves.toBe('done');
    expect(service(app).metrics('Lazy.work')).toMatchObject({ operations: 1, retryAttempts: 2 });
  });

  it('rejects a lazy class with bad options as soon as it is made', async () => {
    const app = await start({});
    @Injectable()
    class Bad {
      @Retry(0)
      async work(): Promise<void> {}
    }
    await expect(app.get(ModuleRef).create(Bad)).rejects.toThrow('Bad.work: @Retry maxAttempts must be an integer >= 1 or Infinity, got 0');
  });

  it('is protected where it comes from useFactory or useValue', async () => {
    const value = new Flaky();
    const app = await start({
      providers: [
        { provide: 'made', useFactory: () => new Flaky() },
        { provide: 'value', useValue: value },
        { provide: 'null', useValue: null },
      ],
    });
    await expect(app.get<Flaky>('made').work()).resolves.toBe('done');
    await expect(value.work()).resolves.toBe('done');
    expect(service(app).metrics('Flaky.work').operations).toBe(2);
  });

  it('reads no getter and asks no mock while it looks for such instances', async () => {
    let touched = 0;
    const mock = new Proxy({}, { get: (_target, key) => (key === 'then' ? undefined : touched++) });
    class WithGetter {
      get trap(): never {
        throw new Error('a getter was read');
      }
    }
    await start({
      providers: [
        { provide: 'mock', useValue: mock },
        { provide: 'getter', useValue: new WithGetter() },
      ],
    });
    const touchedByNest = touched;
    await start({ providers: [{ provide: 'mock', useValue: mock }] });
    expect(touched).toBeLessThanOrEqual(2 * touchedByNest);
  });

  it('shows nothing of the runtime, and may be frozen', async () => {
    @Injectable()
    class Frozen {
      readonly visible = 1;

      constructor() {
        Object.freeze(this);
      }

      @Retry({ backoff: 'none' })
      async work(@Attempt() attempt?: AttemptContext): Promise<number> {
        if (attempt!.attempt < 2) throw new Error('again');
        return this.visible;
      }
    }
    const app = await start({ providers: [Frozen, Flaky] });
    await expect(app.get(Frozen).work()).resolves.toBe(1);
    const flaky = app.get(Flaky);
    expect(flaky).toEqual({ calls: 0 });
    expect({ ...flaky }).toEqual({ calls: 0 });
    expect(Object.getOwnPropertySymbols({ ...flaky })).toEqual([]);
    expect(JSON.stringify(flaky)).toBe('{"calls":0}');
  });

  it('runs bare where a mock stands for the runtime', async () => {
    const module = await Test.createTestingModule({ providers: [Flaky] })
      .useMocker(() => ({}))
      .compile();
    await expect(module.get(Flaky).work()).rejects.toThrow('not yet');
    await module.close();
  });

  it('can be overridden by a mock', async () => {
    class Mock {
      async work(): Promise<string> {
        return 'mocked';
      }
    }
    for (const change of [{ useClass: Mock }, { useValue: new Mock() }]) {
      const app = await start({ providers: [Flaky] }, {}, (builder) =>
        'useClass' in change
          ? builder.overrideProvider(Flaky).useClass(change.useClass)
          : builder.overrideProvider(Flaky).useValue(change.useValue),
      );
      await expect(app.get(Flaky).work()).resolves.toBe('mocked');
    }
  });

  it('is protected before init, in a test that only compiles', async () => {
    const module = await Test.createTestingModule({ imports: [ResilienceModule.forRoot()], providers: [Flaky] }).compile();
    await expect(module.get(Flaky).work()).resolves.toBe('done');
    await module.close();
  });

  it('without the module says what is missing', async () => {
    const compiled = Test.createTestingModule({ providers: [Flaky] }).compile();
    await expect(compiled).rejects.toThrow(/ResilienceModule\.forRoot\(\) is missing/);
    await expect(Test.createTestingModule({ providers: [Flaky] }).compile()).rejects.toThrow(
      /import ResilienceModule\.forRoot\(\) in the root module/,
    );
  });
});

describe('what a class remembers of its only instance', () => {
  @Injectable()
  class Remembered {
    constructor(readonly tag: string) {}

    @Retry({ maxAttempts: 2, backoff: 'none' })
    async work(...parts: string[]): Promise<string> {
      return [this.tag, ...parts].join();
    }
  }
  const remembered = () => methodsOf(Remembered).map(({ soleInstance: holder }) => holder);
  const provided = (tag: string) => ({ provide: Remembered, useFactory: () => new Remembered(tag) });

  it('is the instance that was called, until its application is closed', async () => {
    const first = await start({ providers: [provided('a')] });
    await first.get(Remembered).work();
    expect(remembered()).toEqual([first.get(Remembered)]);
    await first.close();
    expect(remembered()).toEqual([undefined]);
    const second = await start({ providers: [provided('b')] });
    await expect(second.get(Remembered).work()).resolves.toBe('b');
    expect(remembered()).toEqual([second.get(Remembered)]);
    expect(service(second).metrics('Remembered.work').operations).toBe(1);
  });

  it('is nobody as soon as there are two, and each goes its own way', async () => {
    const app = await start({
      providers: [provided('a'), { provide: 'another', useFactory: () => new Remembered('b') }],
    });
    const [first, second] = [app.get(Remembered), app.get<Remembered>('another')];
    for (let round = 0; round < 3; round++) {
      await expect(first.work('x')).resolves.toBe('a,x');
      await expect(second.work('y', 'z')).resolves.toBe('b,y,z');
    }
    expect(remembered()).toEqual([undefined]);
    expect(service(app).metrics('Remembered.work').operations).toBe(6);
  });

  it('passes any number of arguments on', async () => {
    const app = await start({ providers: [provided('a')] });
    const instance = app.get(Remembered);
    for (let count = 0; count < 6; count++) {
      const parts = Array.from({ length: count }, (_, index) => String(index));
      await expect(instance.work(...parts)).resolves.toBe(['a', ...parts].join());
    }
  });
});

describe('an instance made by new', () => {
  class Unmanaged {
    @Retry({ backoff: 'none' })
    async work(): Promise<string> {
      throw new Error('bare');
    }
  }

  it('runs unprotected, without a word where no application runs', async () => {
    await expect(new Unmanaged().work()).rejects.toThrow('bare');
  });

  it('says so once a class where one runs', async () => {
    const { warnings, logger } = told();
    await start({}, { logger });
    for (let count = 0; count < 3; count++) await expect(new Unmanaged().work()).rejects.toThrow('bare');
    expect(warnings).toEqual([expect.stringContaining('Unmanaged.work runs unprotected: the instance was not made by Nest')]);
  });

  it('is allowed, or rejected, where the application says so', async () => {
    class Another extends Unmanaged {}
    const { warnings, logger } = told();
    const lenient = await start({}, { logger, unmanaged: 'allow' });
    await expect(new Another().work()).rejects.toThrow('bare');
    expect(warnings).toEqual([]);
    await lenient.close();
    const strict = await start({}, { unmanaged: 'throw' });
    expect(() => new Another().work()).toThrow('Another.work runs unprotected');
    await strict.close();
    await expect(new Another().work()).rejects.toThrow('bare');
  });

  it('gives the attempt context that the method counts on, which nothing aborts', async () => {
    class Signalled {
      @Timeout('1s')
      async work(what?: string, @Attempt() attempt?: AttemptContext): Promise<string> {
        return `${what} ${attempt!.attempt} ${attempt!.signal.aborted} ${attempt!.operationId} ${attempt!.deadline} ${attempt!.elapsed() >= 0}`;
      }
    }
    await expect(new Signalled().work('a')).resolves.toBe('a 1 false Signalled.work undefined true');
    await expect(new Signalled().work()).resolves.toBe('undefined 1 false Signalled.work undefined true');
  });

  it('is no matter of an application whose start failed', async () => {
    @Injectable()
    class Broken implements OnModuleInit {
      onModuleInit(): void {
        throw new Error('the database is down');
      }
    }
    class Elsewhere extends Unmanaged {}
    await expect(start({ providers: [Broken] }, { unmanaged: 'throw' })).rejects.toThrow('the database is down');
    await start({}, { unmanaged: 'allow' });
    await expect(new Elsewhere().work()).rejects.toThrow('bare');
  });

  it('runs a detached method as it is', async () => {
    const { work } = Flaky.prototype as { work(this: unknown): Promise<string> };
    await expect(work.call({ calls: 2 })).resolves.toBe('done');
    await expect((async () => work.call(undefined))()).rejects.toThrow(TypeError);
  });
});

describe('an Observable method', () => {
  const make = (declare: (type: Type) => void = () => undefined) => {
    @Injectable()
    class Streams {
      subscriptions = 0;

      @Retry({ maxAttempts: 3, backoff: 'none' })
      @Timeout('1s')
      numbers(): Observable<number> {
        return new Observable((subscriber) => {
          if (++this.subscriptions % 3 !== 0) subscriber.error(new Error('again'));
          else of(1, 2).subscribe(subscriber);
        });
      }
    }
    declare(Streams);
    return Streams;
  };

  it('is protected as an Observable', async () => {
    const Streams = make();
    const app = await start({ providers: [Streams] });
    const numbers = app.get(Streams).numbers();
    expect(numbers).toBeInstanceOf(Observable);
    await expect(lastValueFrom(numbers)).resolves.toBe(2);
    expect(service(app).metrics('Streams.numbers')).toMatchObject({ operations: 1, retryAttempts: 2 });
  });

  it('is known by its first value where no metadata tells, and that call counts once', async () => {
    @Injectable()
    class Untold {
      calls = 0;

      @Retry({ maxAttempts: 3, backoff: 'none' })
      @Bulkhead({ name: 'untold', maxConcurrent: 1 })
      // The type is written so that no metadata tells it.
      numbers(): ReturnType<() => Observable<number>> {
        return ++this.calls % 3 !== 0 ? throwError(() => new Error('again')) : of(7);
      }

      @Retry({ maxAttempts: 3, backoff: 'none' })
      promised(): ReturnType<() => Promise<number>> {
        return ++this.calls % 3 !== 0 ? Promise.reject(new Error('again')) : Promise.resolve(8);
      }
    }
    const app = await start({ providers: [Untold] });
    await expect(lastValueFrom(app.get(Untold).numbers())).resolves.toBe(7);
    await expect(lastValueFrom(app.get(Untold).numbers())).resolves.toBe(7);
    expect(service(app).metrics('Untold.numbers')).toMatchObject({ operations: 2, retryAttempts: 4, aborts: 0 });
    expect(service(app).bulkhead('untold').running).toBe(0);
    await expect(app.get(Untold).promised()).resolves.toBe(8);
    await expect(app.get(Untold).promised()).resolves.toBe(8);
  });

  it.each(['token-bucket', 'fixed-window', 'sliding-window', 'leaky-bucket'] as const)(
    'without metadata uses one permit of a %s for its first call',
    async (algorithm) => {
      @Injectable()
      class Limited {
        @RateLimit({ name: 'streams', limit: 5, per: '1h', algorithm, key: (client: string) => client })
        stream(client: string): Observable<string> {
          return of(client);
        }
      }
      Reflect.deleteMetadata('design:returntype', Limited.prototype, 'stream');
      const app = await start({ providers: [Limited] });
      const limiter = service(app).rateLimiter('streams');
      const before = limiter.peek('a').remaining;
      await expect(lastValueFrom(app.get(Limited).stream('a'))).resolves.toBe('a');
      const { remaining } = limiter.peek('a');
      await expect(lastValueFrom(app.get(Limited).stream('b'))).resolves.toBe('b');
      expect(remaining).toBe(limiter.peek('b').remaining);
      expect(remaining).toBe(before - 1);
    },
  );

  it('with a plain value instead is an error that names it', async () => {
    @Injectable()
    class Plain {
      @Retry(1)
      work(): Promise<number> {
        return 5 as never;
      }
    }
    const app = await start({ providers: [Plain] });
    await expect(app.get(Plain).work()).rejects.toThrow(
      'Plain.work is protected, so it must return a Promise or an Observable; it returned a plain value (number)',
    );
  });
});

describe('an attempt context', () => {
  it('is passed where the caller leaves it out, anew for each attempt, and not to the fallback', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Client {
      @Fallback('instead')
      @Retry({ maxAttempts: 2, backoff: 'none' })
      async work(order: string, @Attempt() attempt?: AttemptContext): Promise<unknown> {
        seen.push([
          order,
          attempt!.attempt,
          attempt!.operationId,
          attempt!.signal.aborted,
          (attempt!.previousError as Error | undefined)?.message,
        ]);
        throw new Error(`no ${attempt!.attempt}`);
      }

      async instead(...args: unknown[]): Promise<unknown> {
        return args.map((arg) => (arg instanceof Error ? arg.message : arg));
      }
    }
    const app = await start({ providers: [Client] });
    await expect(app.get(Client).work('book')).resolves.toEqual(['book', 'no 2']);
    expect(seen).toEqual([
      ['book', 1, 'Client.work', false, undefined],
      ['book', 2, 'Client.work', false, 'no 1'],
    ]);
  });

  it('is the caller’s own where he gives one', async () => {
    @Injectable()
    class Client {
      @Retry(1)
      async work(@Attempt() attempt?: AttemptContext): Promise<unknown> {
        return attempt;
      }
    }
    const app = await start({ providers: [Client] });
    const mine = { attempt: 99 } as AttemptContext;
    await expect(app.get(Client).work(mine)).resolves.toBe(mine);
  });

  it('is there also where resilience is turned off', async () => {
    @Injectable()
    class Client {
      @Retry(3)
      async work(@Attempt() attempt?: AttemptContext): Promise<number> {
        return attempt!.attempt;
      }

      @Retry(3)
      async bare(): Promise<never> {
        throw new Error('once');
      }
    }
    const app = await start({ providers: [Client] }, { enabled: false });
    await expect(app.get(Client).work()).resolves.toBe(1);
    await expect(app.get(Client).bare()).rejects.toThrow('once');
  });
});
