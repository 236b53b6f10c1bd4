import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Body, Controller, Get, Injectable, Module, Post, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Attempt,
  Bulkhead,
  CircuitBreaker,
  Fallback,
  RateLimit,
  ResilienceModule,
  ResilienceService,
  Retry,
  Timeout,
  type AttemptContext,
} from '../../src/index.js';
import { until } from '../support/until.js';

/** The provider of the sample app, in a process of its own. */
class Provider {
  private child: ChildProcess | undefined;
  url = '';

  async start(): Promise<void> {
    const port = this.url === '' ? {} : { PORT: new URL(this.url).port };
    this.child = fork(join(import.meta.dirname, '../../sample-app/dist/upstream/main.js'), {
      env: { ...process.env, ...port, NODE_OPTIONS: '' },
      execArgv: [],
    });
    const [{ url }] = (await once(this.child, 'message')) as [{ url: string }];
    this.url = url;
  }

  async kill(): Promise<void> {
    const exit = once(this.child!, 'exit');
    this.child!.kill('SIGKILL');
    await exit;
  }

  async mode(mode: string): Promise<number> {
    const response = await fetch(`${this.url}/mode`, { method: 'POST', body: JSON.stringify({ mode }) });
    return ((await response.json()) as { calls: { protected: number } }).calls.protected;
  }
}

const provider = new Provider();

class ProviderError extends Error {
  constructor(readonly response: Response) {
    super(`status ${response.status}`);
  }
}

@Injectable()
class Payments {
  @Fallback('later')
  @Retry({ maxAttempts: 2, backoff: '5ms' })
  @CircuitBreaker({ name: 'payments', consecutiveFailures: 6, openDuration: '500ms' })
  @RateLimit(500)
  @Timeout({ duration: '2s', total: '5s' })
  @Bulkhead({ maxConcurrent: 20, maxQueue: 20 })
  async charge(id: string, @Attempt() attempt?: AttemptContext): Promise<string> {
    const response = await fetch(`${provider.url}/charges/${id}`, { method: 'PUT', signal: attempt!.signal });
    if (!response.ok) throw new ProviderError(response);
    return ((await response.json()) as { receipt: string }).receipt;
  }

  async later(id: string): Promise<string> {
    return `queued ${id}`;
  }
}

@Controller()
class Orders {
  constructor(
    private readonly payments: Payments,
    private readonly resilience: ResilienceService,
  ) {}

  @Post('orders')
  order(@Body() { id }: { id: string }): Promise<string> {
    return this.payments.charge(id);
  }

  @Get('state')
  state(): string {
    return this.resilience.circuitBreaker('payments').state;
  }
}

@Module({ imports: [ResilienceModule.forRoot()], controllers: [Orders], providers: [Payments] })
class Shop {}

beforeAll(() => provider.start());
afterAll(() => provider.kill());

describe.each([
  ['Express', () => NestFactory.create(Shop, { logger: false, forceCloseConnections: true })],
  ['Fastify', () => NestFactory.create(Shop, new FastifyAdapter(), { logger: false, forceCloseConnections: true })],
] as [string, () => Promise<INestApplication>][])('a shop on %s whose provider falls ill', (_platform, create) => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    await provider.mode('healthy');
    app = await create();
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  const order = async (id = '1'): Promise<string> => {
    const response = await fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    });
    expect(response.status).toBe(201);
    return response.text();
  };
  const orders = (count: number) => Promise.all(Array.from({ length: count }, (_, index) => order(String(index))));
  const state = async (): Promise<string> => (await fetch(`${url}/state`)).text();
  const recover = async (): Promise<void> => {
    await until('an order is paid', async () => (await order()) === 'receipt for 1');
  };

  it('charges while it is well', async () => {
    expect(await orders(20)).toEqual(Array.from({ length: 20 }, (_, index) => `receipt for ${index}`));
  });

  it('charges while it is merely slow', async () => {
    await provider.mode('slow');
    expect(await orders(10)).toEqual(Array.from({ length: 10 }, (_, index) => `receipt for ${index}`));
  });

  it.each(['hanging', 'refusing'])('queues while it is %s, stops calling it, and recovers', async (mode) => {
    await provider.mode(mode);
    expect((await orders(10)).every((text) => text.startsWith('queued'))).toBe(true);
    expect(['open', 'half-open']).toContain(await state());
    await provider.mode(mode);
    expect((await orders(20)).every((text) => text.startsWith('queued'))).toBe(true);
    // Trials, and not the twenty that were placed.
    expect(await provider.mode('healthy')).toBeLessThan(10);
    await recover();
    expect(await state()).toBe('closed');
  });

  it('retries what fails now and then', async () => {
    await provider.mode('failing');
    for (let count = 0; count < 30; count++) await order();
    await provider.mode('healthy');
    expect(app.get(ResilienceService).metrics('Payments.charge').retryAttempts).toBeGreaterThan(0);
    await recover();
  });

  it('survives its death and notices its return', async () => {
    await provider.kill();
    expect((await orders(10)).every((text) => text.startsWith('queued'))).toBe(true);
    await provider.start();
    await recover();
    expect(await state()).toBe('closed');
    expect(app.get(ResilienceService).metrics('Payments.charge').failures).toBe(0);
  });
});
