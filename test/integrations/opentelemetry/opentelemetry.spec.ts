import { Injectable, type DynamicModule, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { concatMap, lastValueFrom, of, throwError, timer, type Observable } from 'rxjs';
import { Bulkhead, CircuitBreaker, Fallback, ResilienceModule, ResilienceService, Retry, Timeout } from '../../../src/index.js';
import { ResilienceOpenTelemetryModule, type ResilienceOpenTelemetryOptions } from '../../../src/integrations/opentelemetry/index.js';

const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const tracer = tracerProvider.getTracer('test');
const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name);
const activeName = (): string | undefined => (trace.getActiveSpan() as unknown as { name?: string } | undefined)?.name;

@Injectable()
class Orders {
  calls = 0;
  readonly active: (string | undefined)[] = [];

  @Fallback('fromCache')
  @Retry({ maxAttempts: 3, backoff: 'none' })
  @CircuitBreaker({ name: 'orders', minimumCalls: 100 })
  @Timeout(50)
  @Bulkhead({ maxConcurrent: 1, maxQueue: 10 })
  async load(fails: number): Promise<string> {
    this.active.push(activeName());
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.active.push(activeName());
    if (++this.calls <= fails) throw new TypeError('not yet');
    return 'order';
  }

  async fromCache(): Promise<string> {
    this.active.push(activeName());
    return 'cached';
  }

  @Timeout(20)
  async hang(): Promise<string> {
    return new Promise(() => undefined);
  }

  @Retry({ maxAttempts: 2, backoff: 'none' })
  stream(): Observable<string> {
    return of(1).pipe(
      concatMap(() => timer(1)),
      concatMap(() => {
        this.active.push(activeName());
        return ++this.calls === 1 ? throwError(() => new Error('not yet')) : of('value');
      }),
    );
  }
}

let app: INestApplication;
async function start(options: ResilienceOpenTelemetryOptions = {}): Promise<Orders> {
  const module = await Test.createTestingModule({
    imports: [ResilienceModule.forRoot(), ResilienceOpenTelemetryModule.register({ tracerProvider, ...options })],
    providers: [Orders],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.init();
  return app.get(Orders);
}

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterAll(() => context.disable());
afterEach(async () => {
  await app.close();
  spans.reset();
});

describe('spans', () => {
  it('there is one for each call under that of the caller, and one for each attempt, linked to the one before', async () => {
    const orders = await start();
    await tracer.startActiveSpan('request', async (request) => {
      expect(await orders.load(2)).toBe('order');
      expect(activeName()).toBe('request');
      request.end();
    });
    const [request] = named('request');
    const [call] = named('Orders.load');
    const attempts = [1, 2, 3].map((number) => named(`Orders.load attempt ${number}`)[0]!);
    expect(call!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId);
    expect(attempts.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(attempts.map(() => call!.spanContext().spanId));
    expect(attempts.map(({ links }) => links[0]?.context.spanId)).toEqual([
      undefined,
      attempts[0]!.spanContext().spanId,
      attempts[1]!.spanContext().spanId,
    ]);
    expect(attempts.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.ERROR, SpanStatusCode.UNSET]);
    expect(attempts[0]!.attributes).toMatchObject({ 'resilience.attempt': 1, 'error.type': 'TypeError' });
    expect(call!.attributes).toEqual({
      'resilience.operation': 'Orders.load',
      'resilience.attempts': 3,
      'resilience.outcome': 'succeeded',
    });
    expect(call!.events.map(({ name }) => name)).toEqual(['retry.scheduled', 'retry.scheduled']);
  });

  it('the method runs within its attempt, the fallback within the call', async () => {
    const orders = await start();
    expect(await orders.load(100)).toBe('cached');
    const attempts = [1, 2, 3].map((number) => `Orders.load attempt ${number}`);
    expect(orders.active).toEqual([...attempts.flatMap((name) => [name, name]), 'Orders.load']);
    expect(named('Orders.load')[0]!.events.map(({ name }) => name)).toEqual(['retry.scheduled', 'retry.scheduled', 'fallback.served']);
  });

  it('a call that waited in a queue keeps its own caller, and its attempt is linked to it', async () => {
    const orders = await start();
    const request = (name: string) =>
      tracer.startActiveSpan(name, async (span) => {
        await orders.load(0);
        expect(activeName()).toBe(name);
        span.end();
      });
    await Promise.all(['first', 'second', 'third'].map(request));
    const parents = named('Orders.load').map(({ parentSpanContext }) => parentSpanContext!.spanId);
    expect(parents).toEqual(['first', 'second', 'third'].map((name) => named(name)[0]!.spanContext().spanId));
    const links = named('Orders.load attempt 1').map(({ links: [link] }) => link?.context.spanId);
    expect(links).toEqual([undefined, named('second')[0]!.spanContext().spanId, named('third')[0]!.spanContext().spanId]);
  });

  it('an attempt that ran into its time limit has ended, with the error', async () => {
    const orders = await start();
    await expect(orders.hang()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    const [attempt] = named('Orders.hang attempt 1');
    expect(attempt!.attributes['error.type']).toBe('TimeoutExceededError');
    expect(named('Orders.hang')[0]!.status.code).toBe(SpanStatusCode.ERROR);
    expect(named('Orders.hang')[0]!.events.map(({ name }) => name)).toEqual(['timeout.exceeded', 'exception']);
  });

  it('a rejected call has a span that says who rejected it, and no attempt', async () => {
    const orders = await start();
    app.get(ResilienceService).circuitBreaker('orders').forceOpen();
    expect(await orders.load(0)).toBe('cached');
    expect(named('Orders.load')[0]!.events.map(({ name }) => name)).toEqual(['circuit-breaker.rejected', 'fallback.served']);
    expect(named('Orders.load attempt 1')).toEqual([]);
  });

  it('an Observable works within its attempt', async () => {
    const orders = await start();
    expect(await lastValueFrom(orders.stream())).toBe('value');
    expect(orders.active).toEqual(['Orders.stream attempt 1', 'Orders.stream attempt 2']);
    expect(named('Orders.stream')).toHaveLength(1);
    expect(named('Orders.stream attempt 1')[0]!.status.code).toBe(SpanStatusCode.ERROR);
    expect(named('Orders.stream attempt 2')[0]!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('there are none for attempts, or none at all, where that is wanted', async () => {
    await (await start({ traces: 'operation' })).load(1);
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['Orders.load']);
    await app.close();
    spans.reset();
    await (await start({ traces: false })).load(1);
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});

describe('instruments', () => {
  it('have the metrics of all policies under names of OpenTelemetry', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const orders = await start({ meterProvider: new MeterProvider({ readers: [reader] }), traces: false });
    await orders.load(2);
    await orders.hang().catch(() => undefined);
    await reader.forceFlush();
    const [batch] = exporter.getMetrics();
    const metrics = new Map(batch!.scopeMetrics[0]!.metrics.map((metric) => [metric.descriptor.name, metric]));
    const reading = (name: string) => metrics.get(name)!.dataPoints.map(({ attributes, value }) => Object.assign({ value }, attributes));
    expect(reading('resilience.circuit_breaker.requests')).toEqual([{ 'resilience.name': 'orders', value: 3 }]);
    expect(reading('resilience.circuit_breaker.state')).toEqual([{ 'resilience.name': 'orders', value: 0 }]);
    expect(reading('resilience.retry.attempts')).toContainEqual({
      'resilience.name': 'Orders.load',
      'resilience.attempt': '3',
      'resilience.outcome': 'succeeded',
      value: 1,
    });
    expect(reading('resilience.operation.errors')).toEqual([
      { 'resilience.name': 'Orders.hang', 'error.type': 'TimeoutExceededError', value: 1 },
    ]);
    const durations = metrics.get('resilience.operation.duration')!;
    expect(durations.descriptor.unit).toBe('s');
    expect(
      durations.dataPoints.map(({ attributes, value }) => [attributes['resilience.name'], (value as { count: number }).count]),
    ).toEqual([
      ['Orders.load', 1],
      ['Orders.hang', 1],
    ]);
    await reader.shutdown();
  });

  it('count an application once, however many of its modules import it, and add two applications up', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const register = (options = {}) => ResilienceOpenTelemetryModule.register({ meterProvider, tracerProvider, ...options });
    const boot = async (...modules: DynamicModule[]) => {
      const module = await Test.createTestingModule({ imports: [ResilienceModule.forRoot(), ...modules], providers: [Orders] }).compile();
      return module.createNestApplication({ logger: false }).init();
    };
    const read = async (name: string) => {
      exporter.reset();
      await reader.forceFlush();
      const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      return metrics
        .find(({ descriptor }) => descriptor.name === name)!
        .dataPoints.map(({ value }) => (value as { count?: number }).count ?? value);
    };
    app = await boot(register(), register());
    for (let calls = 0; calls < 4; calls++) await app.get(Orders).load(0);
    expect([await read('resilience.operation.duration'), spans.getFinishedSpans().length]).toEqual([[4], 8]);
    const second = await boot(register());
    await second.get(Orders).load(0);
    expect((await read('resilience.operation.calls')).filter((value) => value !== 0)).toEqual([5]);
    app.get(ResilienceService).circuitBreaker('orders').disable();
    second.get(ResilienceService).circuitBreaker('orders').forceOpen();
    expect(await read('resilience.circuit_breaker.state')).toEqual([3]);
    await second.close();
    expect(await read('resilience.circuit_breaker.state')).toEqual([4]);
    await expect(boot(register(), register({ traces: false, keys: 3 }))).rejects.toThrow('with other traces, keys');
    await reader.shutdown();
  });

  it('are not read of an application that did not start', async () => {
    class Fails {
      onModuleInit(): void {
        throw new Error('no database');
      }
    }
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const imports = [ResilienceModule.forRoot(), ResilienceOpenTelemetryModule.register({ meterProvider, tracerProvider })];
    const module = await Test.createTestingModule({ imports, providers: [Orders, Fails] }).compile();
    await expect(module.createNestApplication({ logger: false }).init()).rejects.toThrow('no database');
    await reader.forceFlush();
    expect(exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)).toEqual([]);
    await reader.shutdown();
  });

  it('are not made where that is wanted, and durations are not measured then', async () => {
    await start({ metrics: false });
    expect(app.get(ResilienceService).environment.timings.on).toBe(false);
  });
});

it('bad options are told at startup', async () => {
  const bad = { traces: 'all' as 'attempt', keys: 0.5 };
  await expect(start(bad)).rejects.toThrow(
    /traces must be 'operation', 'attempt' or false, got "all"[\s\S]*keys must be an integer >= 0, got 0.5/,
  );
});
