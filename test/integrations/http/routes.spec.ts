import { BadRequestException, Controller, Get, HttpException, Param, Res, UseInterceptors, type INestApplication } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import {
  byHeader,
  clientIp,
  RateLimitHeadersInterceptor,
  ResilienceExceptionFilter,
  ResilienceInterceptor,
} from '../../../src/integrations/http/index.js';
import { policies, ResilienceModule, ResilienceService } from '../../../src/index.js';
import { until } from '../../support/until.js';

let mode: 'ok' | 'bad' | 'down' = 'ok';
const reports = { begun: 0, finish: (): void => undefined };

@Controller()
class ApiController {
  @Get('items/:id')
  async item(@Param('id') id: string): Promise<object> {
    if (mode === 'bad') throw new BadRequestException();
    if (mode === 'down') throw new HttpException('down', 502);
    return { id };
  }

  @Get('report')
  async report(): Promise<string> {
    reports.begun++;
    return new Promise((resolve) => (reports.finish = () => resolve('done')));
  }

  @Get('by-hand')
  byHand(@Res() response: { status(code: number): { send(body: string): void } }): void {
    response.status(mode === 'down' ? 502 : mode === 'bad' ? 404 : 200).send(mode);
  }

  @Get('passed-on')
  passedOn(@Res({ passthrough: true }) response: { status(code: number): unknown }): string {
    if (mode === 'down') response.status(502);
    return mode;
  }

  @Get('health')
  health(): string {
    return 'up';
  }
}

const perClient = policies.combine(
  policies.rateLimit({ name: 'clients', limit: 3, per: '1h', key: clientIp }),
  policies.circuitBreaker({ consecutiveFailures: 2, openDuration: '1h' }),
);

const Routes = ResilienceInterceptor.of({
  policy: perClient,
  routes: { 'ApiController.report': policies.bulkhead(1), 'ApiController.health': undefined },
});

UseInterceptors(RateLimitHeadersInterceptor.of({ limiter: 'clients', key: clientIp }))(ApiController);

describe.each([
  ['Express', () => new ExpressAdapter(), (app: INestApplication) => void (app as NestExpressApplication).set('trust proxy', 1)],
  ['Fastify', () => new FastifyAdapter({ trustProxy: 'loopback' }), () => undefined],
])('a policy per route on %s', (_platform, adapter, trustProxy) => {
  let app: INestApplication;

  beforeEach(async () => {
    mode = 'ok';
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot()],
      controllers: [ApiController],
      providers: [
        { provide: APP_INTERCEPTOR, useClass: Routes },
        { provide: APP_FILTER, useClass: ResilienceExceptionFilter },
      ],
    }).compile();
    app = module.createNestApplication(adapter(), { logger: false });
    trustProxy(app);
    await app.listen(0);
  });
  afterEach(() => app.close());
  const get = (path: string, from = '10.0.0.1') =>
    request(app.getHttpServer() as never)
      .get(path)
      .set('X-Forwarded-For', from);

  it('limits each client by its address behind the trusted proxy, and tells it what is left', async () => {
    await get('/items/1')
      .expect(200, { id: '1' })
      .expect('RateLimit-Policy', '"clients";q=3;w=3600')
      .expect('RateLimit', /^"clients";r=2;t=\d+$/);
    await get('/items/1').expect(200).expect('RateLimit', /;r=1;/);
    await get('/items/1').expect(200).expect('RateLimit', /;r=0;/);
    await get('/items/1').expect(429).expect('Retry-After', /^\d+$/);
    await get('/items/1', '10.0.0.2').expect(200).expect('RateLimit', /;r=2;/);
    // What a client makes up before the proxy's own entry changes nothing.
    await get('/items/1', '1.2.3.4, 10.0.0.1').expect(429);
  });

  it('counts a 4xx of a handler as no failure, and a 5xx as one', async () => {
    mode = 'bad';
    for (let count = 0; count < 3; count++) await get('/items/1', `10.0.1.${count}`).expect(400);
    mode = 'down';
    for (let count = 0; count < 2; count++) await get('/items/1', `10.0.2.${count}`).expect(502);
    await get('/items/1', '10.0.3.1').expect(503);
    expect(app.get(ResilienceService).circuitBreaker('route ApiController.item').state).toBe('open');
  });

  it.each(['by-hand', 'passed-on'])('counts a status that a handler sets by hand, and leaves its answer as it is (%s)', async (path) => {
    mode = 'bad';
    for (let count = 0; count < 3; count++) await get(`/${path}`, `10.1.1.${count}`).expect(path === 'by-hand' ? 404 : 200, 'bad');
    mode = 'down';
    for (let count = 0; count < 2; count++) await get(`/${path}`, `10.1.2.${count}`).expect(502, 'down');
    await get(`/${path}`, '10.1.3.1').expect(503);
  });

  it('has another policy where a route is named, and none where it is named so', async () => {
    const before = reports.begun;
    const first = get('/report').then(({ status }) => status);
    await until('the first report is being made', () => reports.begun > before);
    await get('/report').expect(503);
    reports.finish();
    expect(await first).toBe(200);
    for (let count = 0; count < 5; count++) await get('/health').expect(200, 'up');
  });
});

describe('a key for a limit', () => {
  it('is the header of a name in any case, or nothing', () => {
    const key = byHeader('X-Api-Key');
    expect(key({ headers: { 'x-api-key': 'abc' } })).toBe('abc');
    expect(key({ headers: { 'x-api-key': ['abc', 'def'] } })).toBe('abc');
    expect(key({ headers: {} })).toBeUndefined();
  });

  it('is the same address in both spellings of IPv4', () => {
    expect(clientIp({ ip: '::ffff:10.0.0.1', headers: {} })).toBe('10.0.0.1');
    expect(clientIp({ ip: '::ffff:a00:1', headers: {} })).toBe('10.0.0.1');
  });
});
