import { Controller, Get, HttpException, Injectable, Logger, type INestApplication, type LoggerService } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { DegradedInterceptor, ResilienceExceptionFilter } from '../../../src/integrations/http/index.js';
import { Bulkhead, CircuitBreaker, Fallback, RateLimit, ResilienceModule, ResilienceService, Timeout } from '../../../src/index.js';
import { FakeClock } from '../../../src/testing/index.js';
import { until } from '../../support/until.js';

@Injectable()
class Prices {
  @Fallback({ value: 'a guess' })
  async of(item: string): Promise<string> {
    await Promise.resolve();
    if (item === 'gone') throw new Error('no such price');
    return `price of ${item}`;
  }
}

@Controller()
class ShopController {
  constructor(private readonly prices: Prices) {}

  @Get('limited')
  @RateLimit({ name: 'limited', limit: 1, per: '90s' })
  async limited(): Promise<string> {
    return 'ok';
  }

  @Get('broken')
  @CircuitBreaker({ name: 'broken', consecutiveFailures: 1, openDuration: '10s' })
  async broken(): Promise<string> {
    throw new Error('secret inner text');
  }

  @Get('full')
  @Bulkhead(1)
  async full(): Promise<string> {
    return new Promise(() => undefined);
  }

  @Get('slow')
  @Timeout('1s')
  async slow(): Promise<string> {
    return new Promise(() => undefined);
  }

  @Get('rejected')
  async rejected(): Promise<string> {
    throw new HttpException('teapot', 418);
  }

  @Get('fresh')
  async fresh(): Promise<string> {
    return this.prices.of('tea');
  }

  @Get('stale')
  async stale(): Promise<string> {
    return Promise.all([this.prices.of('tea'), this.prices.of('gone')]).then(String);
  }

  @Get('stale-and-failed')
  async staleAndFailed(): Promise<string> {
    await this.prices.of('gone');
    throw new HttpException('teapot', 418);
  }
}
Reflect.defineMetadata('design:paramtypes', [Prices], ShopController);

class Lines implements LoggerService {
  readonly lines: string[] = [];
  log(): void {}
  error(message: string): void {
    this.lines.push(`ERROR ${message}`);
  }
  warn(message: string): void {
    this.lines.push(`WARN ${message}`);
  }
  debug(message: string): void {
    this.lines.push(`DEBUG ${message}`);
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('an answer of %s', (_platform, adapter) => {
  const clock = new FakeClock();
  const log = new Lines();
  let app: INestApplication;

  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ clock, logs: false })],
      controllers: [ShopController],
      providers: [
        Prices,
        { provide: APP_FILTER, useClass: ResilienceExceptionFilter },
        { provide: APP_INTERCEPTOR, useClass: DegradedInterceptor },
      ],
    }).compile();
    app = module.createNestApplication(adapter(), { logger: log });
    await app.listen(0);
    log.lines.length = 0;
  });
  afterAll(async () => {
    await app.close();
    Logger.overrideLogger(false);
  });
  const get = (path: string) => request(app.getHttpServer() as never).get(path);

  it('to a limited call is 429 with Retry-After and the standard text', async () => {
    await get('/limited').expect(200);
    const { body } = await get('/limited').expect(429).expect('Retry-After', '90');
    expect(body).toEqual({ statusCode: 429, message: 'Too Many Requests' });
  });

  it('for an open circuit is 503 with Retry-After, and says nothing of the inside', async () => {
    await get('/broken').expect(500);
    const { body } = await get('/broken').expect(503).expect('Retry-After', '10');
    expect(body).toEqual({ statusCode: 503, message: 'Service Unavailable' });
  });

  it('for a full bulkhead is 503 without Retry-After, and for a timeout 504', async () => {
    const hanging = get('/full')
      .timeout(1500)
      .catch(() => undefined);
    await until('the bulkhead is full', () =>
      app
        .get(ResilienceService)
        .bulkheads()
        .some(({ running }) => running > 0),
    );
    const { headers } = await get('/full').expect(503);
    expect(headers['retry-after']).toBeUndefined();
    const slow = get('/slow').expect(504, { statusCode: 504, message: 'Gateway Timeout' });
    const timer = setInterval(() => void clock.advance('1s'), 50);
    await slow;
    clearInterval(timer);
    await hanging;
  });

  it('leaves other errors to Nest', async () => {
    await get('/rejected').expect(418, { statusCode: 418, message: 'teapot' });
  });

  it('does not flood the log: each rejection at debug level, and one line a second', async () => {
    await clock.advance('2s');
    log.lines.length = 0;
    for (let count = 0; count < 20; count++) await get('/limited').expect(429);
    expect(log.lines.filter((line) => line.startsWith('DEBUG Rate limit "limited"'))).toHaveLength(20);
    await clock.advance('1s');
    expect(log.lines.filter((line) => !line.startsWith('DEBUG'))).toEqual(['WARN answered 20 calls without a result: ERR_RATE_LIMITED 20']);
  });

  it('is marked where a fallback had a part in it, also in an answer that is an error', async () => {
    const fresh = await get('/fresh').expect(200, 'price of tea');
    expect(fresh.headers['x-degraded']).toBeUndefined();
    await get('/stale').expect(200, 'price of tea,a guess').expect('X-Degraded', 'true');
    await get('/stale-and-failed').expect(418).expect('X-Degraded', 'true');
  });

  it('is not marked by a fallback of another request at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => get(index % 2 === 0 ? '/fresh' : '/stale')));
    expect(answers.map(({ headers }) => headers['x-degraded'])).toEqual(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? undefined : 'true')),
    );
  });

  it('is told no more, and counts nothing, after the application is closed', async () => {
    const { environment } = app.get(ResilienceService);
    await app.close();
    expect(environment.events.active).toBe(false);
    expect(clock.pendingTimers).toBeLessThanOrEqual(1);
  });
});
