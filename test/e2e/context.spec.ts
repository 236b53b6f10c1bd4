import { Controller, Get, Inject, Injectable, Param, Scope, type INestApplication } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';

import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ClsModule, ClsService } from 'nestjs-cls';
import type { AddressInfo } from 'node:net';
import { Bulkhead, Fallback, RateLimit, Retry, Timeout } from '../../src/index.js';
import { closeAll, start } from '../support/nest.js';

/** Places where a request found itself with the data of another one. */
const strays: string[] = [];
let work = 0;

const exporter = new InMemorySpanExporter();
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test');

@Injectable()
class Warehouse {
  constructor(private readonly cls: ClsService) {}

  @Fallback('instead')
  @Retry({ maxAttempts: 3, backoff: { initialDelay: 2, jitter: 'none' } })
  @RateLimit({ limit: 2000, per: '1s', burst: 5, maxWait: '10s' })
  @Timeout(40)
  @Bulkhead({ maxConcurrent: 3, maxQueue: 1000 })
  async look(id: string): Promise<string> {
    this.check('attempt', id);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.check('attempt, later', id);
    const turn = ++work % 7;
    if (turn === 1) throw new Error('not yet');
    if (turn === 2) await new Promise((resolve) => setTimeout(resolve, 60));
    return `found ${id}`;
  }

  async instead(id: string, _error: unknown): Promise<string> {
    this.check('fallback', id);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.check('fallback, later', id);
    return `found ${id}`;
  }

  check(place: string, id: string): void {
    const span = trace.getActiveSpan() as unknown as { name?: string } | undefined;
    if (this.cls.get('id') !== id) strays.push(`${place} of ${id}: the storage of ${String(this.cls.get('id'))}`);
    if (span?.name !== `request ${id}`) strays.push(`${place} of ${id}: the span ${span?.name}`);
  }
}

/** A provider of the request, whose protected method must see its own request. */
@Injectable({ scope: Scope.REQUEST })
class Visitor {
  constructor(@Inject(REQUEST) private readonly request: { params: { id: string } }) {}

  @Retry({ maxAttempts: 30, backoff: { initialDelay: 2, maxDelay: 5 } })
  async name(id: string): Promise<string> {
    if (this.request.params.id !== id) strays.push(`request-scoped data of ${this.request.params.id} for ${id}`);
    if (++work % 3 === 0) throw new Error('not yet');
    return this.request.params.id;
  }
}

@Controller()
class LookController {
  constructor(
    private readonly warehouse: Warehouse,
    private readonly visitor: Visitor,
    private readonly cls: ClsService,
  ) {}

  @Get(':id')
  look(@Param('id') id: string): Promise<string> {
    this.cls.set('id', id);
    return tracer.startActiveSpan(`request ${id}`, {}, ROOT_CONTEXT, async (span) => {
      const found = await this.warehouse.look(id);
      this.warehouse.check('answer', id);
      await this.visitor.name(id);
      this.warehouse.check('second answer', id);
      span.end();
      return found;
    });
  }
}

describe('two hundred requests at a time', () => {
  let app: INestApplication;

  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    app = await start({
      imports: [ClsModule.forRoot({ global: true, middleware: { mount: true } })],
      controllers: [LookController],
      providers: [Warehouse, Visitor],
    });
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await closeAll();
    context.disable();
  });

  it('each keeps its nestjs-cls storage, its active span and its request-scoped data through every policy', async () => {
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const ids = Array.from({ length: 200 }, (_, index) => `visitor-${index}`);
    const answers = await Promise.all(ids.map(async (id) => (await fetch(`http://127.0.0.1:${port}/${id}`)).text()));
    expect(answers).toEqual(ids.map((id) => `found ${id}`));
    expect(strays).toEqual([]);
    expect(exporter.getFinishedSpans()).toHaveLength(200);
  });
});
