import { ConsoleLogger, Controller, Injectable, Logger, Module, Scope } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  CircuitBreaker,
  OnResilienceEvent,
  RateLimit,
  Retry,
  type CircuitBreakerEvent,
  type EventOf,
  type ResilienceEvent,
} from '../../src/index.js';
import { FakeClock } from '../../src/testing/index.js';
import { closeAll, service, start, told } from '../support/nest.js';

afterEach(closeAll);

@Injectable()
class Payments {
  @Retry({ maxAttempts: 2, backoff: 'none' })
  @CircuitBreaker({ name: 'payments', consecutiveFailures: 2, openDuration: '10s' })
  async charge(works: boolean): Promise<string> {
    if (!works) throw new Error('no money');
    return 'paid';
  }

  @CircuitBreaker({ name: 'refunds', consecutiveFailures: 1, openDuration: '10s' })
  async refund(): Promise<string> {
    throw new Error('no refund');
  }

  @RateLimit({ limit: 1, per: '1h', key: (client: string) => client })
  async ask(_client: string): Promise<string> {
    return 'answer';
  }
}

describe('@OnResilienceEvent', () => {
  it('without an event is an error of the start that names the method', async () => {
    @Injectable()
    class Deaf {
      @((OnResilienceEvent as unknown as () => MethodDecorator)())
      hear(): void {
        throw new Error('never called');
      }
    }
    await expect(start({ providers: [Deaf] })).rejects.toThrow('Deaf.hear: @OnResilienceEvent there is no event undefined');
  });

  it('calls methods of providers and controllers for a type, a group, a policy, an operation or everything', async () => {
    const heard: string[] = [];
    @Injectable()
    class Listener {
      private readonly prefix = 'one';

      @OnResilienceEvent('circuit-breaker.opened')
      opened(event: EventOf<'circuit-breaker.opened'>): void {
        heard.push(`${this.prefix} ${event.policyName} ${event.failures}`);
      }

      @OnResilienceEvent('circuit-breaker.*', { name: 'refunds' })
      refunds(event: CircuitBreakerEvent): void {
        heard.push(`refunds ${event.type}`);
      }

      @OnResilienceEvent(['retry.scheduled', 'retry.exhausted'], { operation: 'Payments.charge' })
      retries({ type, attempt }: EventOf<'retry.scheduled' | 'retry.exhausted'>): void {
        heard.push(`${type} ${attempt}`);
      }
    }
    @Controller()
    class Everything {
      @OnResilienceEvent('*')
      all({ type }: ResilienceEvent): void {
        if (type.startsWith('operation.')) heard.push(type);
      }
    }
    const app = await start({ providers: [Payments, Listener], controllers: [Everything] });
    await expect(app.get(Payments).charge(false)).rejects.toThrow('no money');
    await expect(app.get(Payments).refund()).rejects.toThrow('no refund');
    expect(heard).toEqual([
      'retry.scheduled 1',
      'one payments 2',
      'retry.exhausted 2',
      'operation.failed',
      'one refunds 1',
      'refunds circuit-breaker.opened',
      'operation.failed',
    ]);
  });

  it('hears in a lazy module too, once for each instance, and says there what is wrong with a listener without harming the module', async () => {
    const heard: string[] = [];
    @Injectable()
    class Early {
      @OnResilienceEvent('circuit-breaker.opened')
      opened(): void {
        heard.push('early');
      }
    }
    @Injectable()
    class Late {
      @OnResilienceEvent('circuit-breaker.opened')
      opened(): void {
        heard.push('late');
      }

      @OnResilienceEvent('circuit-braker.opened' as never)
      misspelt(): void {
        heard.push('never');
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class OfRequest {
      @OnResilienceEvent('circuit-breaker.opened')
      opened(): void {
        heard.push('never');
      }
    }
    @Module({ providers: [Late, OfRequest, Early], exports: [OfRequest] })
    class LazyModule {}
    const { warnings, logger } = told();
    const app = await start({ providers: [Payments, Early] }, { logger, logs: false });
    const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
    await lazy.resolve(OfRequest);
    await lazy.resolve(OfRequest);
    await expect(app.get(Payments).refund()).rejects.toThrow('no refund');
    expect(heard.toSorted()).toEqual(['early', 'early', 'late']);
    expect(warnings.toSorted()).toEqual([
      'Late.misspelt: @OnResilienceEvent there is no event "circuit-braker.opened"; did you mean "circuit-breaker.opened"?',
      'OfRequest.opened: @OnResilienceEvent needs a provider that lives as long as the application, not one of a request or a transient one',
    ]);
  });

  it('logs what a listener throws or rejects with, once a place, and harms neither the call nor other listeners', async () => {
    const heard: string[] = [];
    @Injectable()
    class Bad {
      @OnResilienceEvent('circuit-breaker.opened')
      thrown(): void {
        throw new Error('thrown');
      }

      @OnResilienceEvent('circuit-breaker.opened')
      async rejected(): Promise<void> {
        throw new Error('rejected');
      }

      @OnResilienceEvent('circuit-breaker.opened')
      good({ policyName }: EventOf<'circuit-breaker.opened'>): void {
        heard.push(policyName);
      }
    }
    const { warnings, logger } = told();
    const app = await start({ providers: [Payments, Bad] }, { logger, logs: false });
    await expect(app.get(Payments).refund()).rejects.toThrow('no refund');
    await expect(app.get(Payments).charge(false)).rejects.toThrow('no money');
    expect(heard).toEqual(['refunds', 'payments']);
    expect(warnings.toSorted()).toEqual([
      'Bad.rejected: @OnResilienceEvent threw; the call went on without it (told once)',
      'Bad.thrown: @OnResilienceEvent threw; the call went on without it (told once)',
    ]);
  });

  it('tells at startup of a pattern that means nothing and of a listener that lives only as long as a request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Fleeting {
      @OnResilienceEvent('circuit-breaker.opened')
      opened(): void {
        throw new Error('never called');
      }
    }
    @Injectable()
    class Misspelt {
      @OnResilienceEvent('circuit-breaker.openned' as 'circuit-breaker.opened')
      opened(): void {
        throw new Error('never called');
      }
    }
    await expect(start({ providers: [Fleeting, Misspelt] })).rejects.toThrow(
      /Fleeting\.opened: @OnResilienceEvent needs a provider that lives as long as the application[\s\S]*Misspelt\.opened: @OnResilienceEvent there is no event "circuit-breaker\.openned"; did you mean "circuit-breaker\.opened"\?/,
    );
  });

  it('hears nothing any more after the application is closed', async () => {
    @Injectable()
    class Listener {
      @OnResilienceEvent('*')
      all(): void {
        throw new Error('heard');
      }
    }
    const app = await start({ providers: [Payments, Listener] });
    const { events } = service(app).environment;
    expect(events.active).toBe(true);
    await closeAll();
    expect(events.active).toBe(false);
  });
});

describe('@nestjs/event-emitter, where it is present', () => {
  it.each([
    ['by name', false, 'resilience.circuit-breaker.opened'],
    ['by wildcard', true, 'resilience.circuit-breaker.*'],
  ])('hears our events %s, and an event that nobody hears is not made', async (_form, wildcard, name) => {
    const heard: string[] = [];
    @Injectable()
    class Listener {
      @OnEvent(name)
      opened({ type, policyName }: EventOf<'circuit-breaker.opened'>): void {
        heard.push(`${type} ${policyName}`);
      }
    }
    const app = await start({ imports: [EventEmitterModule.forRoot({ wildcard })], providers: [Payments, Listener] }, { logs: false });
    await expect(app.get(Payments).refund()).rejects.toThrow('no refund');
    expect(heard).toEqual(['circuit-breaker.opened refunds']);
    const { events } = service(app).environment;
    expect(events.hasListeners('circuit-breaker.opened')).toBe(true);
    expect(events.hasListeners('retry.scheduled')).toBe(false);
    expect(events.hasCallListeners).toBe(false);
  });
});

/** What Nest's logger writes of us to the standard output while something runs. */
async function written(run: (clock: FakeClock) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const { write } = process.stdout;
  process.stdout.write = (text: string | Uint8Array) => lines.push(String(text).trim()) > 0;
  try {
    await run(new FakeClock());
  } finally {
    process.stdout.write = write;
    Logger.overrideLogger(false);
  }
  return lines.filter((line) => line.includes('Resilience]') || line.includes('"Resilience"'));
}

describe('the log', () => {
  const logger = (json: boolean, levels: ('debug' | 'log' | 'warn')[]) => new ConsoleLogger({ json, colors: false, logLevels: levels });

  it('says at startup what is protected, and a change of state as it comes', async () => {
    const lines = await written(async (clock) => {
      const app = await start({ providers: [Payments] }, { clock }, undefined, logger(false, ['log', 'warn']));
      await app.get(Payments).refund().catch(String);
      await clock.advance('10s');
      await app.get(Payments).refund().catch(String);
      await closeAll();
    });
    const said = lines.map((line) => /(LOG|WARN) \[Resilience\] (.*)/.exec(line)!.slice(1, 3).join(' '));
    expect(said).toEqual([
      'LOG 3 operations are protected (retry 1, circuitBreaker 2, rateLimit 1)',
      'WARN Circuit breaker "refunds" opened in Payments.refund (calls 1, failures 1, slowCalls 0, openMs 10000, lastError "Error: no refund")',
      'LOG Circuit breaker "refunds" half opened in Payments.refund',
      'WARN Circuit breaker "refunds" opened in Payments.refund (openMs 10000, lastError "Error: no refund")',
    ]);
  });

  it('has the figures as fields where Nest’s console logger writes JSON', async () => {
    const lines = await written(async (clock) => {
      const app = await start({ providers: [Payments] }, { clock }, undefined, logger(true, ['log', 'warn']));
      await app.get(Payments).refund().catch(String);
      await closeAll();
    });
    const records = lines.map((line) => JSON.parse(line) as { level: string; message: string; params?: object });
    expect(records[0]).toMatchObject({ level: 'log', params: { operations: 3, retry: 1, circuitBreaker: 2, rateLimit: 1 } });
    expect(records[1]).toMatchObject({
      level: 'warn',
      context: 'Resilience',
      params: { event: 'circuit-breaker.opened', operationId: 'Payments.refund', policyName: 'refunds', failures: 1, openMs: 10_000 },
    });
  });

  it('has attempts and rejections at debug level, ten of a type in ten seconds, and one line for all others', async () => {
    const lines = await written(async (clock) => {
      const app = await start({ providers: [Payments] }, { clock }, undefined, logger(false, ['debug', 'warn']));
      for (let count = 0; count < 5000; count++) await app.get(Payments).ask('greedy').catch(String);
      await clock.advance('10s');
      await app.get(Payments).ask('greedy').catch(String);
      await closeAll();
    });
    const said = lines.filter((line) => line.includes('Rate limit')).map((line) => line.replace(/^.*\[Resilience\] /, ''));
    expect(said).toHaveLength(12);
    expect(said[0]).toMatch(/^Rate limit "Payments\.ask" rejected \(key "greedy", cost 1, reason limit, retryAfterMs \d+\)$/);
    expect(said[10]).toBe('Rate limit rejected: 4989 more in the last 10 s');
  });

  it('makes no event of what would not be written', async () => {
    await written(async (clock) => {
      const app = await start({ providers: [Payments] }, { clock }, undefined, logger(false, ['log', 'warn']));
      const { events } = service(app).environment;
      expect(events.hasListeners('circuit-breaker.opened')).toBe(true);
      expect(events.hasListeners('rate-limit.rejected')).toBe(false);
      expect(events.hasListeners('operation.failed')).toBe(false);
      await closeAll();
    });
  });

  it('asks for nothing that a logger of the user’s own does not take', async () => {
    const { warnings, logger: own } = told();
    const app = await start({ providers: [Payments] }, { logger: own });
    const { events } = service(app).environment;
    expect(['circuit-breaker.opened', 'circuit-breaker.closed', 'rate-limit.rejected'].map((type) => events.hasListeners(type))).toEqual([
      true,
      false,
      false,
    ]);
    await app.get(Payments).refund().catch(String);
    expect(warnings).toEqual([expect.stringContaining('Circuit breaker "refunds" opened in Payments.refund')]);
  });

  it('is silent where that is wanted', async () => {
    const app = await start({ providers: [Payments] }, { logs: false });
    expect(service(app).environment.events.active).toBe(false);
  });
});
