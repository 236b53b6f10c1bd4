import { Injectable, Module, type CallHandler, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { Counter, register as defaultRegistry, Registry } from 'prom-client';
import { map } from 'rxjs';
import request from 'supertest';
import { Bulkhead, CircuitBreaker, Fallback, RateLimit, ResilienceModule, ResilienceService, Retry, Timeout } from '../../../src/index.js';
import { ResiliencePrometheusModule, type ResiliencePrometheusOptions } from '../../../src/integrations/prometheus/index.js';

@Injectable()
class Stock {
  @Fallback({ value: 'unknown' })
  @Retry({ maxAttempts: 2, backoff: 'none' })
  @CircuitBreaker({ name: 'stock', minimumCalls: 100, key: (shop: string) => shop })
  @RateLimit(1000)
  @Timeout('5s')
  @Bulkhead(10)
  async count(shop: string): Promise<string> {
    if (shop === 'closed') throw new TypeError('no such shop');
    return '7';
  }
}

const running: INestApplication[] = [];
afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
  expect(defaultRegistry.getMetricsAsArray()).toEqual([]);
});

async function start(
  options: ResiliencePrometheusOptions & { path?: string },
  adapter = new ExpressAdapter() as ExpressAdapter | FastifyAdapter,
): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [ResilienceModule.forRoot(), ResiliencePrometheusModule.register(options)],
    providers: [Stock],
  }).compile();
  const app = module.createNestApplication(adapter, { logger: false });
  running.push(app);
  await app.listen(0);
  return app;
}

async function startWith(
  imports: NonNullable<ModuleMetadata['imports']>,
  providers: NonNullable<ModuleMetadata['providers']> = [],
): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports, providers: [Stock, ...providers] }).compile();
  const app = module.createNestApplication({ logger: false });
  running.push(app);
  return app.init();
}

async function scrape(app: INestApplication, path = '/metrics'): Promise<string> {
  const { text, headers, status } = await request(app.getHttpServer() as never).get(path);
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  return text;
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('a scrape on %s', (_platform, adapter) => {
  it('has every metric of every policy, with the label name', async () => {
    const app = await start({ path: '/metrics' }, adapter());
    const stock = app.get(Stock);
    await stock.count('open');
    await stock.count('closed');
    const text = await scrape(app);
    const lines = text.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE circuit_breaker_state gauge',
        'circuit_breaker_state{name="stock"} 0',
        'circuit_breaker_requests_total{name="stock"} 3',
        'circuit_breaker_requests_successful{name="stock"} 1',
        'circuit_breaker_requests_failed{name="stock"} 2',
        'circuit_breaker_requests_rejected{name="stock"} 0',
        'circuit_breaker_request_duration_seconds_bucket{le="+Inf",name="stock"} 3',
        'circuit_breaker_request_duration_seconds_count{name="stock"} 3',
        'bulkhead_active_requests{name="Stock.count"} 0',
        'bulkhead_max_concurrent{name="Stock.count"} 10',
        'bulkhead_requests_total{name="Stock.count"} 3',
        'retry_attempts_total{name="Stock.count",attempt="2",outcome="failed"} 1',
        'rate_limit_requests_allowed{name="Stock.count"} 3',
        'timeout_exceeded_total{name="Stock.count",scope="attempt"} 0',
        'fallback_calls_total{name="Stock.count",tier="1",outcome="served"} 1',
        'operation_calls_total{name="Stock.count",outcome="succeeded"} 2',
        '# TYPE operation_duration_seconds histogram',
        'operation_duration_seconds_count{name="Stock.count"} 2',
      ]),
    );
    for (const { name, help } of app.get(ResilienceService).metricDeclarations()) expect(lines).toContain(`# HELP ${name} ${help}`);
  });
});

describe('ResiliencePrometheusModule', () => {
  it('has no route unless it is asked for, and goes into prom-client’s own registry', async () => {
    const app = await start({});
    await request(app.getHttpServer() as never)
      .get('/metrics')
      .expect(404);
    expect(await defaultRegistry.metrics()).toContain('# TYPE circuit_breaker_state gauge');
  });

  it('takes the user’s registry beside his own metrics, a prefix, other label names and keys of their own', async () => {
    const registry = new Registry();
    new Counter({ name: 'orders', help: 'Orders.', registers: [registry] }).inc(3);
    const app = await start({ registry, prefix: 'shop_', labels: { name: 'service', key: 'branch' }, keys: 1, path: 'internal/metrics' });
    for (const shop of ['north', 'closed', 'south']) await app.get(Stock).count(shop);
    const lines = (await scrape(app, '/internal/metrics')).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'orders 3',
        'shop_circuit_breaker_requests_total{service="stock",branch="north"} 1',
        'shop_circuit_breaker_requests_total{service="stock",branch="other"} 3',
        'shop_bulkhead_active_requests{service="Stock.count",branch=""} 0',
      ]),
    );
    await running.pop()!.close();
    expect(registry.getMetricsAsArray().map(({ name }: { name: string }) => name)).toEqual(['orders']);
  });

  it('answers in the OpenMetrics format too, again and again', async () => {
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const app = await start({ registry, path: '/metrics' });
    await app.get(Stock).count('north');
    for (let scrapes = 0; scrapes < 2; scrapes++) {
      const { text, headers } = await request(app.getHttpServer() as never).get('/metrics');
      expect(headers['content-type']).toMatch('application/openmetrics-text');
      expect(text).toContain('circuit_breaker_requests_total{name="stock"} 1');
      expect(text).toContain('bulkhead_requests_rejected_total{name="Stock.count"} 0');
      expect(text.endsWith('# EOF\n')).toBe(true);
    }
  });

  it('takes its options from a factory', async () => {
    const module = await Test.createTestingModule({
      imports: [
        ResilienceModule.forRoot(),
        ResiliencePrometheusModule.registerAsync({ path: '/m', useFactory: () => ({ prefix: 'late_', buckets: [1, 2] }) }),
      ],
      providers: [Stock],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    running.push(app);
    await app.listen(0);
    await app.get(Stock).count('north');
    const text = await scrape(app, '/m');
    const bounds = [...text.matchAll(/late_operation_duration_seconds_bucket\{le="([^"]+)"/g)].map(([, bound]) => bound);
    expect(bounds).toEqual(['1', '2', '+Inf']);
  });

  it('adds two applications of one process up in one registry, and lets go of the one that closes', async () => {
    const first = await start({});
    const second = await start({});
    await first.get(Stock).count('north');
    await second.get(Stock).count('north');
    const reading = async () =>
      (await defaultRegistry.metrics()).split('\n').filter((line) => line.startsWith('circuit_breaker_requests_total'));
    expect(await reading()).toEqual(['circuit_breaker_requests_total{name="stock"} 2']);
    await running.pop()!.close();
    expect(await reading()).toEqual(['circuit_breaker_requests_total{name="stock"} 1']);
  });

  it('counts an application once, however many of its modules import it', async () => {
    const registry = new Registry();
    const register = () => ResiliencePrometheusModule.register({ registry });
    @Module({ imports: [register()] })
    class Feature {}
    const app = await startWith([ResilienceModule.forRoot(), register(), Feature]);
    for (let calls = 0; calls < 10; calls++) await app.get(Stock).count('open');
    expect(await registry.metrics()).toContain('operation_calls_total{name="Stock.count",outcome="succeeded"} 10');
    await running.pop()!.close();
    expect(registry.getMetricsAsArray()).toEqual([]);

    const other = ResiliencePrometheusModule.register({ registry, keys: 5 });
    await expect(startWith([ResilienceModule.forRoot(), register(), other])).rejects.toThrow('with other options');
    running.length = 0;
  });

  it('shows the worse state of two applications: a disabled breaker hides no open one', async () => {
    const registry = new Registry();
    const [first, second] = [await start({ registry }), await start({ registry })];
    first.get(ResilienceService).circuitBreaker('stock').disable();
    second.get(ResilienceService).circuitBreaker('stock').forceOpen();
    expect(await registry.metrics()).toContain('circuit_breaker_state{name="stock"} 3');
    expect(await registry.metrics()).toContain('bulkhead_max_concurrent{name="Stock.count"} 20');
  });

  it('rejects labels that would be alike, or that there are none of, and histograms that do not fit together', async () => {
    const registry = new Registry();
    const rejected = async (options: ResiliencePrometheusOptions) => {
      const error: unknown = await start({ registry, ...options }).catch((reason: unknown) => reason);
      running.pop();
      return (error as Error).message;
    };
    expect(await rejected({ labels: { name: 'client' } })).toContain(
      'labels: "client" would be both name and client in rate_limit_top_rejections',
    );
    expect(await rejected({ labels: { name: 'le' } })).toContain('labels: "le" would be both the bound of a bucket and name');
    expect(await rejected({ labels: { nmae: 'service' } })).toContain('labels: there is no label "nmae"; did you mean "name"?');
    expect(registry.getMetricsAsArray()).toEqual([]);
    await start({ registry });
    expect(await rejected({ buckets: [1, 2] })).toContain('with other labels or buckets');
  });

  it('names the clients that are turned away most where that is wanted', async () => {
    const registry = new Registry();
    const app = await start({ registry, clients: 1 });
    const limiter = app.get(ResilienceService).rateLimiter('api', { limit: 1, per: '1h' });
    for (const key of ['evil"} 1\nfake 2', 'evil"} 1\nfake 2', 'evil"} 1\nfake 2', 'b', 'b'])
      await limiter.acquire({ key }).catch(() => undefined);
    expect(await registry.metrics()).toContain(String.raw`rate_limit_top_rejections{name="api",client="evil\"} 1\nfake 2"} 2`);
  });

  it('answers scrapes itself, so that no interceptor puts them into an envelope', async () => {
    const envelope = { intercept: (_context: unknown, next: CallHandler) => next.handle().pipe(map((data: unknown) => ({ data }))) };
    const imports = [ResilienceModule.forRoot(), ResiliencePrometheusModule.register({ registry: new Registry(), path: '/metrics' })];
    const app = await startWith(imports, [{ provide: APP_INTERCEPTOR, useValue: envelope }]);
    expect(await scrape(app)).toMatch(/^# HELP/);
  });

  it('says at startup what is wrong with its options, all of it', async () => {
    const bad = { prefix: '1-', labels: { name: 'a b' }, keys: -1, buckets: [2, 1] };
    await expect(start(bad)).rejects.toThrow(
      /prefix must be .* got "1-"[\s\S]*labels.name must be a label name, got "a b"[\s\S]*keys must be an integer >= 0, got -1[\s\S]*buckets must be/,
    );
    const registry = new Registry();
    new Counter({ name: 'circuit_breaker_state', help: 'A stranger.', registers: [registry] }).inc();
    await expect(start({ registry })).rejects.toThrow('the registry has another metric "circuit_breaker_state" already');
    running.length = 0;
  });
});

describe('an application that does not start', () => {
  it('leaves nothing in the registry, which outlives it', async () => {
    class Fails {
      onModuleInit(): void {
        throw new Error('no database');
      }
    }
    const registry = new Registry();
    const imports = [ResilienceModule.forRoot(), ResiliencePrometheusModule.register({ registry })];
    await expect(startWith(imports, [Fails])).rejects.toThrow('no database');
    expect(registry.getMetricsAsArray()).toEqual([]);
  });
});
