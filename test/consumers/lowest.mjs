/**
 * The lowest supported version of Nest, over HTTP: what a client gets to see of a rejection, from Nest's own filter and in
 * the stream of an `@Sse` route, and that health, metrics and spans work with the lowest Terminus, prom-client and
 * `@opentelemetry/api`.
 */
import 'reflect-metadata';
import { Controller, Get, Module, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule, HealthCheckService } from '@nestjs/terminus';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { RateLimit, ResilienceModule, Timeout } from 'nestjs-bulwark';
import { ResilienceOpenTelemetryModule } from 'nestjs-bulwark/opentelemetry';
import { ResiliencePrometheusModule } from 'nestjs-bulwark/prometheus';
import { ResilienceHealthIndicator, ResilienceHealthModule } from 'nestjs-bulwark/terminus';
import { concat, interval, map, NEVER, Observable, of } from 'rxjs';

class Routes {
  async limited() {
    return 'ok';
  }

  feed() {
    return interval(20).pipe(map((data) => ({ data: String(data) })));
  }

  /** No policy of its own, above a method that has one: it fails in the midst of the stream. */
  slow() {
    return concat(of({ data: 'first' }), this.upstream());
  }

  upstream() {
    return NEVER;
  }
}

function decorate(method, returns, ...decorators) {
  Reflect.defineMetadata('design:returntype', returns, Routes.prototype, method);
  const descriptor = Object.getOwnPropertyDescriptor(Routes.prototype, method);
  for (const decorator of decorators)
    Object.defineProperty(Routes.prototype, method, decorator(Routes.prototype, method, descriptor) ?? descriptor);
}

const internal = { name: 'internal-limit', limit: 1, per: '1m', key: () => 'tenant-4711' };
decorate('limited', Promise, Get('limited'), RateLimit(internal));
decorate('feed', Observable, Sse('feed'), RateLimit({ ...internal, name: 'internal-feed' }));
decorate('slow', Observable, Sse('slow'));
decorate('upstream', Observable, Timeout('100ms'));
Controller()(Routes);

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })] });
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider();
tracerProvider.addSpanProcessor(new SimpleSpanProcessor(spans));

class App {}
Module({
  imports: [
    ResilienceModule.forRoot({ logs: false }),
    ResilienceHealthModule,
    TerminusModule.forRoot({ logger: false }),
    ResiliencePrometheusModule.register({ path: '/metrics', clients: 5 }),
    ResilienceOpenTelemetryModule.register({ meterProvider, tracerProvider, clients: 5 }),
  ],
  controllers: [Routes],
})(App);

const app = await NestFactory.create(App, { logger: false, forceCloseConnections: true });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const ask = async (path, signal = AbortSignal.timeout(3000)) => {
  const answer = await fetch(`${url}/${path}`, { signal });
  return `${answer.status} ${await answer.text()}`;
};

const left = new AbortController();
await Promise.all([ask('limited'), fetch(`${url}/feed`, { signal: left.signal })]);
left.abort();
const said = { limited: await ask('limited'), feed: await ask('feed'), slow: await ask('slow') };
const leaks = Object.entries(said).filter(([, text]) => /internal-|tenant-4711|Routes\./.test(text));
const health = await app.get(HealthCheckService).check([() => app.get(ResilienceHealthIndicator).circuitBreakers('breakers')]);
const scraped = await ask('metrics');
await meterProvider.forceFlush();
const instruments = new Map(
  exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics.map((metric) => [metric.descriptor.name, metric]))),
);
const spanNames = spans.getFinishedSpans().map(({ name }) => name);
await app.close();
if (leaks.length > 0) throw new Error(`a client was told what is not for it: ${JSON.stringify(leaks)}`);
if (!said.slow.includes('data: first')) throw new Error(`the stream gave nothing: ${said.slow}`);
const observed = instruments
  .get('resilience.rate_limit.requests_rejected')
  ?.dataPoints.find(({ attributes }) => attributes['resilience.name'] === 'internal-limit');
console.log(
  JSON.stringify({
    limited: said.limited,
    feed: said.feed.slice(0, 3),
    health: health.status,
    prometheus: scraped
      .split('\n')
      .find((line) => line.startsWith('rate_limit_requests_rejected{name="internal-limit"}'))
      ?.at(-1),
    openTelemetry: observed?.value,
    span: spanNames.includes('Routes.limited'),
  }),
);
process.exit(0);
