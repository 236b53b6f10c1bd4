import { Controller, Get, Injectable, type INestApplication } from '@nestjs/common';
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import request from 'supertest';
import { CircuitBreaker, policies } from '../../../src/index.js';
import {
  ResilienceHealthIndicator,
  ResilienceHealthModule,
  type CircuitBreakerHealthOptions,
} from '../../../src/integrations/terminus/index.js';
import { FakeClock } from '../../../src/testing/index.js';
import { closeAll, service, start } from '../../support/nest.js';

afterEach(closeAll);

class ProviderDown extends Error {}
let provider: () => Promise<string>;

@Injectable()
class Payments {
  @CircuitBreaker({ name: 'payments', window: 4, minimumCalls: 2, openDuration: '10s', critical: true })
  async charge(): Promise<string> {
    return provider();
  }

  @CircuitBreaker({ name: 'stock', window: 4, minimumCalls: 2, openDuration: '10s' })
  async stock(): Promise<string> {
    return provider();
  }
}

function controller(options?: CircuitBreakerHealthOptions) {
  @Controller()
  class Health {
    constructor(
      private readonly health: HealthCheckService,
      private readonly resilience: ResilienceHealthIndicator,
    ) {}

    @Get('ready')
    @HealthCheck()
    ready() {
      return this.health.check([() => this.resilience.circuitBreakers('breakers', options)]);
    }

    @Get('bulkheads')
    @HealthCheck()
    bulkheads() {
      return this.health.check([() => this.resilience.bulkheads('bulkheads', { maxUtilization: 0.5 })]);
    }

    @Get('limits')
    @HealthCheck()
    limits() {
      return this.health.check([() => this.resilience.rateLimiters('limits', { exhaustedIs: 'degraded' })]);
    }

    @Get('all')
    @HealthCheck()
    all() {
      return this.health.check([() => this.resilience.isHealthy('resilience')]);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [HealthCheckService, ResilienceHealthIndicator], Health);
  return Health;
}

async function application(
  clock: FakeClock,
  options?: CircuitBreakerHealthOptions,
  providers: (typeof Payments)[] = [Payments],
): Promise<INestApplication> {
  return start(
    { imports: [TerminusModule.forRoot({ logger: false }), ResilienceHealthModule], controllers: [controller(options)], providers },
    { clock },
  );
}

async function ask(app: INestApplication, path = '/ready') {
  const { status, body } = await request(app.getHttpServer()).get(path);
  return { http: status, ...(body as { status: string; details: Record<string, Record<string, Record<string, unknown>>> }) };
}

const fail = async (app: INestApplication, method: 'charge' | 'stock'): Promise<void> => {
  provider = () => Promise.reject(new ProviderDown('secret text'));
  for (let count = 0; count < 2; count++)
    await app
      .get(Payments)
      [method]()
      .catch(() => undefined);
};

describe('readiness', () => {
  it('follows a critical breaker through closed, open, half-open and closed again', async () => {
    const clock = new FakeClock();
    const app = await application(clock);
    expect(await ask(app)).toMatchObject({
      http: 200,
      status: 'ok',
      details: { breakers: { status: 'up', payments: { state: 'closed', calls: 0 } } },
    });

    await fail(app, 'charge');
    await clock.advance('4s');
    const down = await ask(app);
    expect(down).toMatchObject({
      http: 503,
      status: 'error',
      details: {
        breakers: {
          status: 'down',
          payments: {
            state: 'open',
            critical: true,
            failureRate: 1,
            slowCallRate: 0,
            calls: 2,
            nextTrialInMs: 6000,
            lastError: 'ProviderDown',
          },
          stock: { state: 'closed' },
        },
      },
    });
    expect(JSON.stringify(down)).not.toContain('secret text');

    await clock.advance('6s');
    expect(await ask(app)).toMatchObject({
      http: 200,
      status: 'degraded',
      details: { breakers: { status: 'degraded', payments: { state: 'half-open' } } },
    });

    provider = async () => 'well';
    await app.get(Payments).charge();
    expect(await ask(app)).toMatchObject({
      http: 200,
      status: 'ok',
      details: { breakers: { status: 'up', payments: { state: 'closed' } } },
    });
  });

  it('is degraded, with HTTP 200, by an open breaker that is not critical', async () => {
    const app = await application(new FakeClock());
    await fail(app, 'stock');
    expect(await ask(app)).toMatchObject({
      http: 200,
      status: 'degraded',
      details: { breakers: { status: 'degraded', stock: { state: 'open', critical: false } } },
    });
  });

  it.each<[CircuitBreakerHealthOptions, 'charge' | 'stock', number, string]>([
    [{ openIs: 'up' }, 'charge', 200, 'up'],
    [{ openIs: 'degraded' }, 'charge', 200, 'degraded'],
    [{ openIs: 'down' }, 'stock', 503, 'down'],
    [{ names: ['payments'] }, 'stock', 200, 'up'],
    [{ names: ['payments', 'paymnets'] }, 'stock', 200, 'degraded'],
  ])('with %j and %s open answers %i', async (options, method, http, status) => {
    const app = await application(new FakeClock(), options);
    await fail(app, method);
    expect(await ask(app)).toMatchObject({ http, details: { breakers: { status } } });
  });

  it('with halfOpenIs says what it should half-open', async () => {
    const clock = new FakeClock();
    const app = await application(clock, { halfOpenIs: 'up' });
    await fail(app, 'charge');
    await clock.advance('10s');
    expect(await ask(app)).toMatchObject({ http: 200, status: 'ok', details: { breakers: { payments: { state: 'half-open' } } } });
  });

  it('shows the worst circuit of all keys, and what is forced open', async () => {
    const app = await application(new FakeClock());
    service(app).circuitBreaker('stock').forceOpen('tenant 7');
    expect(await ask(app)).toMatchObject({
      status: 'degraded',
      details: { breakers: { stock: { state: 'forced-open', openKeys: 1 } } },
    });
  });

  it('shows a key only where that is wanted', async () => {
    const app = await application(new FakeClock(), { showKeys: true });
    service(app).circuitBreaker('stock').forceOpen('tenant 7');
    expect(await ask(app)).toMatchObject({ details: { breakers: { stock: { openKeys: 1, key: 'tenant 7' } } } });
  });

  it('says of a half-open breaker that calls which never ended keep its trials away', async () => {
    const clock = new FakeClock();
    const app = await application(clock);
    const resilience = service(app);
    const policy = policies.combine(
      policies.circuitBreaker({ name: 'ill', consecutiveFailures: 1, openDuration: '10s' }),
      policies.timeout('1s'),
      policies.bulkhead({ name: 'places', maxConcurrent: 1 }),
    );
    const call = resilience.execute(policy, () => new Promise(() => undefined), { name: 'ill' }).catch(() => undefined);
    await clock.advance('1s');
    await call;
    await clock.advance('10s');
    const { details } = await ask(app);
    expect(details['breakers']!['ill']).toMatchObject({
      state: 'half-open',
      heldUpBy: expect.stringContaining('bulkhead places') as string,
    });
    const { details: more } = await ask(app, '/bulkheads');
    expect(more['bulkheads']!['places']).toMatchObject({ abandoned: 1, released: 0 });
  });

  it('is up where there is no breaker at all', async () => {
    const app = await application(new FakeClock(), undefined, []);
    expect(await ask(app)).toMatchObject({ http: 200, status: 'ok', details: { breakers: { status: 'up' } } });
  });

  it('knows bulkheads and rate limits too', async () => {
    const app = await application(new FakeClock());
    const bulkhead = service(app).bulkhead('places', { maxConcurrent: 2 });
    const limiter = service(app).rateLimiter('calls', { limit: 1, per: '10s' });
    expect(await ask(app, '/all')).toMatchObject({ http: 200, status: 'ok' });
    await bulkhead.acquire();
    limiter.tryAcquire();
    expect(await ask(app, '/bulkheads')).toMatchObject({
      status: 'degraded',
      details: { bulkheads: { places: { utilization: 0.5, running: 1, queued: 0, maxConcurrent: 2 } } },
    });
    expect(await ask(app, '/limits')).toMatchObject({
      status: 'degraded',
      details: { limits: { calls: { remaining: 0, resetAfterMs: 10_000, waiting: 0 } } },
    });
    expect(await ask(app, '/all')).toMatchObject({
      http: 200,
      details: {
        resilience: {
          status: 'up',
          circuitBreakers: { payments: { state: 'closed' } },
          bulkheads: { places: { running: 1 } },
          rateLimiters: { calls: { remaining: 0 } },
        },
      },
    });
  });
});

describe('with a Terminus that does not know degraded (11)', () => {
  it('an open breaker that is not critical is up, with its state in the details', async () => {
    const app = await application(new FakeClock());
    await fail(app, 'stock');
    const up = (details: object) => ({ breakers: { status: 'up', ...details } });
    const eleven = { check: () => ({ up, down: () => 'down' }) } as unknown as HealthIndicatorService;
    const indicator = new ResilienceHealthIndicator(eleven, service(app));
    expect(indicator.circuitBreakers('breakers')).toMatchObject({ breakers: { status: 'up', stock: { state: 'open' } } });
  });
});

describe('options of the indicator', () => {
  it('are checked, all of them, and the mistake is named', async () => {
    const app = await start({ imports: [ResilienceHealthModule] });
    const indicator = app.get(ResilienceHealthIndicator);
    const wrong: unknown = { names: 'payments', openIs: 'dwon', showkeys: true };
    expect(() => indicator.circuitBreakers('a', wrong as CircuitBreakerHealthOptions)).toThrow(
      /circuitBreakers: names must be a list of names, got "?'?payments[^]*openIs must be[^]*got "?'?dwon[^]*showkeys[^]*showKeys/,
    );
    expect(() => indicator.bulkheads('b', { maxUtilization: 80, saturatedIs: 'bad' as never })).toThrow(
      /bulkheads: maxUtilization must be[^]*got 80[^]*saturatedIs/,
    );
    expect(() => indicator.rateLimiters('c', null as never)).toThrow(/rateLimiters: options must be an object, got null/);
  });
});
