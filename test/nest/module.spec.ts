import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  CircuitBreaker,
  policies,
  ResilienceModule,
  ResilienceService,
  Retry,
  Timeout,
  type ResilienceEvent,
  type ResilienceModuleOptions,
} from '../../src/index.js';
import { FakeClock } from '../../src/testing/index.js';
import { ResilienceTestingModule } from '../../src/testing/nest.js';
import { closeAll, service, start } from '../support/nest.js';

afterEach(closeAll);

@Injectable()
class Client {
  attempts = 0;

  @Retry()
  async work(): Promise<never> {
    this.attempts++;
    throw new Error('no');
  }
}

const twice: ResilienceModuleOptions = { defaults: { retry: { maxAttempts: 2, backoff: 'none' } } };

describe('ResilienceModule', () => {
  it('works without arguments, and once only', async () => {
    const app = await start({ providers: [Client] });
    expect(service(app).list()).toHaveLength(1);
    @Module({ imports: [ResilienceModule.forRoot()] })
    class Feature {}
    const again = Test.createTestingModule({ imports: [ResilienceModule.forRoot(), Feature] }).compile();
    await expect(again.then((module) => module.init())).rejects.toThrow('ResilienceModule.forRoot() is imported more than once');
  });

  it('is replaced in a test where the test knows the module that was imported, and says so where it does not', async () => {
    const resilience = ResilienceModule.forRoot(twice);
    @Module({ imports: [resilience], providers: [Client] })
    class Application {}
    const replaced = await Test.createTestingModule({ imports: [Application] })
      .overrideModule(resilience)
      .useModule(ResilienceTestingModule.on({ defaults: { retry: { maxAttempts: 4, backoff: 'none' } } }))
      .compile();
    await replaced.init();
    await expect(replaced.get(Client).work()).rejects.toThrow('no');
    expect(replaced.get(Client).attempts).toBe(4);
    await replaced.close();
    const inVain = await Test.createTestingModule({ imports: [Application] })
      .overrideModule(ResilienceModule)
      .useModule(ResilienceTestingModule.on())
      .compile();
    await expect(inVain.init()).rejects.toThrow('overrideModule(ResilienceModule) has no effect');
  });

  it('closes under a clock of the application that stands still, though a call hangs', async () => {
    @Injectable()
    class Hanging {
      @Timeout('1s')
      async call(): Promise<void> {
        await new Promise(() => undefined);
      }
    }
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ clock: new FakeClock() })],
      providers: [Hanging],
    }).compile();
    await module.init();
    void module.get(Hanging).call();
    await module.close();
    expect(module.get(ResilienceService).inFlight).toBe(1);
  });

  it('tells all that is wrong with its options at once, its own and those of the policies', async () => {
    const wrong = { drainTimeout: -1, unmanaged: 'warm', logs: 'yes', defaults: { retry: { maxAttempts: 0 } } } as never;
    const starting = start({}, wrong);
    await expect(starting).rejects.toThrow(/drainTimeout must be a duration .*, got -1/);
    await expect(starting).rejects.toThrow(/unmanaged must be 'warn' or 'allow' or 'throw', got "warm"; did you mean "warn"\?/);
    await expect(starting).rejects.toThrow(/logs must be true or false, got "yes"/);
    await expect(starting).rejects.toThrow(/maxAttempts must be an integer >= 1/);
  });

  it('says that a factory gave no options', async () => {
    const module = Test.createTestingModule({ imports: [ResilienceModule.forRootAsync({ useFactory: () => undefined as never })] });
    await expect(module.compile()).rejects.toThrow('ResilienceModule: options must be an object, got undefined');
  });

  it('is global, unless it should not be', async () => {
    @Module({ providers: [Client], exports: [Client] })
    class Feature {}
    const app = await start({ imports: [Feature] }, twice);
    await expect(app.get(Client).work()).rejects.toThrow('no');
    expect(app.get(Client).attempts).toBe(2);
    const local = Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ isGlobal: false }), Feature],
    }).compile();
    await expect(local).rejects.toThrow('ResilienceModule.forRoot() is missing');

    @Module({ imports: [ResilienceModule.forRoot({ ...twice, isGlobal: false })], exports: [ResilienceModule] })
    class Shared {}
    @Module({ imports: [Shared], providers: [Client], exports: [Client] })
    class Importing {}
    const module = await Test.createTestingModule({ imports: [Importing] }).compile();
    await expect(module.get(Client).work()).rejects.toThrow('no');
    expect(module.get(Client).attempts).toBe(2);
    await module.close();
  });

  it.each<[string, () => Parameters<typeof ResilienceModule.forRootAsync>[0]]>([
    [
      'useFactory',
      () => ({
        imports: [OptionsModule],
        inject: [OptionsSource],
        useFactory: (source: OptionsSource) => source.createResilienceOptions(),
      }),
    ],
    ['useClass', () => ({ useClass: OptionsSource })],
    ['useExisting', () => ({ imports: [OptionsModule], useExisting: OptionsSource })],
  ])('takes its options by %s', async (_form, options) => {
    const module = await Test.createTestingModule({ imports: [ResilienceModule.forRootAsync(options())], providers: [Client] }).compile();
    await module.init();
    await expect(module.get(Client).work()).rejects.toThrow('no');
    expect(module.get(Client).attempts).toBe(2);
    await module.close();
  });

  it('may take its options from a provider with decorated methods, which runs under the defaults of the library before', async () => {
    @Injectable()
    class RemoteConfig {
      attempts = 0;

      @Retry({ backoff: 'none' })
      async load(): Promise<ResilienceModuleOptions> {
        if (++this.attempts % 3 !== 0) throw new Error('not yet');
        return { defaults: { retry: { maxAttempts: 1 } } };
      }
    }
    @Module({ providers: [RemoteConfig], exports: [RemoteConfig] })
    class ConfigModule {}
    const module = await Test.createTestingModule({
      imports: [
        ResilienceModule.forRootAsync({
          imports: [ConfigModule],
          inject: [RemoteConfig],
          useFactory: (config: RemoteConfig) => config.load(),
        }),
      ],
    }).compile();
    await module.init();
    const config = module.get(RemoteConfig, { strict: false });
    expect(config.attempts).toBe(3);
    await expect(config.load()).rejects.toThrow('not yet');
    expect(config.attempts).toBe(4);
    await module.close();
  });

  it('rejects options that depend on a request', async () => {
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRootAsync({ inject: [REQUEST], useFactory: () => ({}) })],
      providers: [Client],
    }).compile();
    await expect(module.init()).rejects.toThrow('the options of ResilienceModule.forRootAsync() depend on something request-scoped');
  });

  it('keeps two applications in one process apart, also after one has closed', async () => {
    @Injectable()
    class Breaking {
      @CircuitBreaker({ consecutiveFailures: 1, name: 'same' })
      async work(): Promise<never> {
        throw new Error('no');
      }
    }
    const [first, second] = [await start({ providers: [Breaking] }), await start({ providers: [Breaking] })];
    await expect(first.get(Breaking).work()).rejects.toThrow('no');
    await expect(first.get(Breaking).work()).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' });
    expect(service(second).circuitBreaker('same').state).toBe('closed');
    await first.close();
    await expect(second.get(Breaking).work()).rejects.toThrow('no');
    const third = await start({ providers: [Breaking] });
    await expect(third.get(Breaking).work()).rejects.toThrow('no');
    expect(service(third).metrics('Breaking.work').operations).toBe(1);
  });

  it('gives the service that runs policies without decorators, with everything from forRoot', async () => {
    const clock = new FakeClock();
    const events: ResilienceEvent[] = [];
    const app = await start({}, { clock, onEvent: (event) => events.push(event), ...twice });
    let attempts = 0;
    const call = service(app).execute(policies.retry({ backoff: '1h' }), () => {
      attempts++;
      throw new Error('no');
    });
    const outcome = expect(call).rejects.toThrow('no');
    await clock.advance('1h');
    await outcome;
    expect([attempts, events.map(({ type }) => type)]).toEqual([2, ['retry.scheduled', 'retry.exhausted', 'operation.failed']]);
    expect(app.get(ResilienceService)).toBe(service(app));
  });

  it('is usable in the hooks of others, at start and at the end', async () => {
    const seen: string[] = [];
    @Injectable()
    class Hooks {
      attempts = 0;

      @Retry({ backoff: 'none', maxAttempts: 2 })
      async work(where: string): Promise<void> {
        if (++this.attempts % 2 !== 0) throw new Error('first');
        seen.push(where);
      }

      onModuleInit(): Promise<void> {
        return this.work('init');
      }

      onModuleDestroy(): Promise<void> {
        return this.work('destroy');
      }

      onApplicationShutdown(): Promise<void> {
        return this.work('shutdown');
      }
    }
    const app = await start({ providers: [Hooks] });
    await app.close();
    expect(seen).toEqual(['init', 'destroy', 'shutdown']);
  });

  it('turns away who waits when the application shuts down, and keeps no timer', async () => {
    const clock = new FakeClock();
    const app = await start({}, { clock });
    const resilience = service(app);
    const bulkhead = resilience.bulkhead('b', { maxConcurrent: 1, maxQueue: 1, queueTimeout: '1h' });
    await bulkhead.acquire();
    const waiting = expect(bulkhead.acquire()).rejects.toMatchObject({ reason: 'shutdown' });
    const pausing = expect(resilience.execute(policies.retry({ backoff: '1h' }), () => Promise.reject(new Error('last')))).rejects.toThrow(
      'last',
    );
    await clock.settle();
    await app.close();
    await Promise.all([waiting, pausing]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('compiles every operation at startup, those of scoped providers too', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      constructor(@Inject(REQUEST) readonly request: object) {}

      @Retry(2)
      async work(): Promise<void> {}
    }
    const app = await start({ providers: [Client, Scoped] });
    expect(
      service(app)
        .list()
        .map(({ operationId }) => operationId),
    ).toEqual(['Client.work', 'Scoped.work']);
  });
});

@Injectable()
class OptionsSource {
  createResilienceOptions(): ResilienceModuleOptions {
    return twice;
  }
}

@Module({ providers: [OptionsSource], exports: [OptionsSource] })
class OptionsModule {}
