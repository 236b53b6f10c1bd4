import { Controller, Get, Header, Post, UnauthorizedException, UseGuards, type CanActivate, type INestApplication } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import {
  byHeader,
  clientIp,
  RateLimitGuard,
  ResilienceExceptionFilter,
  RouteRateLimit,
  SkipRateLimit,
  type RateLimitGuardOptions,
} from '../../../../src/integrations/http/index.js';
import { ResilienceModule, ResilienceService, type ResilienceModuleOptions } from '../../../../src/index.js';
import { FakeClock, memoryStore } from '../../../../src/testing/index.js';
import { closeAll, start } from '../../../support/nest.js';

/** Checks credentials, as a passport strategy does. */
class CredentialsGuard implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

@Controller()
class ShopController {
  @Get('items')
  items(): string {
    return 'items';
  }

  @Get('orders')
  orders(): string {
    return 'orders';
  }

  @UseGuards(CredentialsGuard)
  @Post('login')
  login(): string {
    return 'token';
  }

  @RouteRateLimit({ limit: 1, per: '1h' })
  @Get('report')
  report(): string {
    return 'report';
  }

  @Header('Cache-Control', 'public, max-age=3600')
  @RouteRateLimit({ limit: 1, per: '1h' })
  @Get('cached')
  cached(): string {
    return 'cached';
  }

  @SkipRateLimit()
  @Get('health')
  health(): string {
    return 'up';
  }
}

@SkipRateLimit()
@Controller('open')
class OpenController {
  @Get('free')
  free(): string {
    return 'free';
  }

  @SkipRateLimit(false)
  @Get('limited')
  limited(): string {
    return 'limited';
  }

  @RouteRateLimit({ limit: 1, per: '1h' })
  @Get('own')
  own(): string {
    return 'own';
  }
}

const platforms: [string, () => ExpressAdapter | FastifyAdapter, (app: INestApplication) => void][] = [
  ['Express', () => new ExpressAdapter(), (app) => void (app as NestExpressApplication).set('trust proxy', 1)],
  ['Fastify', () => new FastifyAdapter({ trustProxy: 'loopback' }), () => undefined],
];

describe.each(platforms)('RateLimitGuard on %s', (_platform, adapter, trustProxy) => {
  const running: INestApplication[] = [];
  let clock: FakeClock;
  let app: INestApplication;

  async function begin(options: RateLimitGuardOptions, settings: ResilienceModuleOptions = {}): Promise<void> {
    clock = new FakeClock();
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ clock, logs: false, ...settings })],
      controllers: [ShopController, OpenController],
      providers: [
        { provide: APP_GUARD, useClass: RateLimitGuard.of(options) },
        { provide: APP_FILTER, useClass: ResilienceExceptionFilter },
      ],
    }).compile();
    app = module.createNestApplication(adapter(), { logger: false });
    running.push(app);
    trustProxy(app);
    await app.listen(0);
  }
  afterEach(async () => {
    for (const one of running.splice(0)) await one.close();
  });
  const get = (path: string, from = '10.0.0.1') =>
    request(app.getHttpServer() as never)
      .get(path)
      .set('X-Forwarded-For', from);
  const statuses = async (path: string, times: number, from?: (index: number) => string): Promise<number[]> => {
    const all: number[] = [];
    for (let index = 0; index < times; index++) all.push((await get(path, from?.(index))).status);
    return all;
  };

  it('limits what later guards check: guessing at credentials', async () => {
    await begin({ limits: { limit: 2, per: '1m' } });
    const guess = () => request(app.getHttpServer() as never).post('/login');
    await guess().expect(401);
    await guess().expect(401);
    await guess().expect(429);
  });

  it('tells what is left on every answer, also on the 429, and when to come again', async () => {
    await begin({ limits: { limit: 2, per: '1m' } });
    await get('/items').expect(200, 'items').expect('RateLimit-Policy', '"default";q=2;w=60').expect('RateLimit', '"default";r=1;t=30');
    await get('/items').expect(200).expect('RateLimit', '"default";r=0;t=60');
    const { body } = await get('/items').expect(429).expect('RateLimit', '"default";r=0;t=60').expect('Retry-After', '30');
    expect(body).toEqual({ statusCode: 429, message: 'Too Many Requests' });
  });

  it('keeps a 429 out of caches, whatever the route says of its answers', async () => {
    await begin({ limits: { limit: 9 } });
    await get('/cached').expect(200);
    await get('/cached').expect(429).expect('Cache-Control', 'no-store');
  });

  it('counts each client and each route by itself, and routes together where the limit has a name', async () => {
    await begin({ limits: { limit: 1, per: '1h' } });
    await get('/items').expect(200);
    await get('/orders').expect(200);
    await get('/items', '10.0.0.2').expect(200);
    await get('/items').expect(429);
    await begin({ limits: { name: 'clients', limit: 1, per: '1h' } });
    await get('/items').expect(200).expect('RateLimit', '"clients";r=0;t=3600');
    await get('/orders').expect(429);
    await get('/orders', '10.0.0.2').expect(200);
  });

  it('leaves alone what is skipped, and gives handlers limits of their own', async () => {
    await begin({ limits: { limit: 2, per: '1h' } });
    expect(await statuses('/health', 4)).toEqual([200, 200, 200, 200]);
    expect(await statuses('/open/free', 4)).toEqual([200, 200, 200, 200]);
    expect(await statuses('/open/limited', 3)).toEqual([200, 200, 429]);
    expect(await statuses('/open/own', 2)).toEqual([200, 429]);
    expect(await statuses('/report', 2)).toEqual([200, 429]);
  });

  it.each([
    ['both shared', true, true],
    ['one shared', true, false],
    ['the other one shared', false, true],
  ] as const)('asks a store for limits that instances share, and takes of all of them or of none: %s', async (_which, first, second) => {
    const limits = [
      { name: 'second', limit: 1, per: '1s', shared: first },
      { name: 'hour', limit: 3, per: '1h', algorithm: 'fixed-window', shared: second },
    ] as const;
    const store = memoryStore();
    await begin({ limits }, { store });
    await get('/items')
      .expect(200)
      .expect('RateLimit', /"second";r=0;t=1, "hour";r=2;t=3600/);
    for (let times = 0; times < 5; times++) await get('/items').expect(429);
    await clock.advance('1s');
    await get('/items')
      .expect(200)
      .expect('RateLimit', /"hour";r=1/);
    await clock.advance('1s');
    await get('/items')
      .expect(200)
      .expect('RateLimit', /"hour";r=0/);
    await clock.advance('1s');
    await get('/items').expect(429);
    await clock.advance('1s');
    await get('/items').expect(429);
  });

  it('has several limits, tells of all, and a request that one rejects uses up none of the others', async () => {
    const limits = [
      { name: 'second', limit: 1, per: '1s' },
      { name: 'hour', limit: 3, per: '1h' },
    ] as const;
    await begin({ limits });
    await get('/items').expect(200).expect('RateLimit-Policy', '"second";q=1;w=1, "hour";q=3;w=3600');
    for (let times = 0; times < 5; times++)
      await get('/items')
        .expect(429)
        .expect('RateLimit', /"hour";r=2;/);
    await clock.advance('1s');
    await get('/items')
      .expect(200)
      .expect('RateLimit', /"hour";r=1;/);
  });

  it('passes requests by for which skipIf gives true, and lets nobody pass for a promise', async () => {
    await begin({ limits: { limit: 1, per: '1h' }, skipIf: ({ headers }) => headers['x-inside'] === 'yes' });
    for (let times = 0; times < 3; times++) await get('/items').set('X-Inside', 'yes').expect(200);
    expect(await statuses('/items', 2)).toEqual([200, 429]);
    await begin({ limits: { limit: 1 }, skipIf: (async () => true) as never });
    await get('/items').expect(500, { statusCode: 500, message: 'Internal server error' });
  });

  it('is chosen by nothing that a client makes up', async () => {
    await begin({ limits: { name: 'clients', limit: 2, per: '1h' } });
    expect(await statuses('/items', 5, (index) => `6.6.6.${index}, 10.0.0.1`)).toEqual([200, 200, 429, 429, 429]);
    expect(await statuses('/items', 4, (index) => `2001:db8:1:2::${index + 1}`)).toEqual([200, 200, 429, 429]);
    expect(await statuses('/items', 1, () => '2001:db8:1:3::1')).toEqual([200]);
    expect(await statuses('/items', 2, (index) => (index === 0 ? '::ffff:10.0.0.1' : '::ffff:a00:1'))).toEqual([429, 429]);
  });

  it('has keys of its own beside those of the guard, and the common limit for who has none', async () => {
    await begin({ limits: [{ name: 'tenants', limit: 1, per: '1h', key: byHeader('X-Tenant') }], key: clientIp });
    await get('/items').set('X-Tenant', 'a').expect(200);
    await get('/items').set('X-Tenant', 'b').expect(200);
    await get('/items', '10.0.0.9').set('X-Tenant', 'a').expect(429);
    expect(await statuses('/items', 2, (index) => `10.0.1.${index}`)).toEqual([200, 429]);
  });

  it('forgets no exhausted client for a hundred thousand others', async () => {
    await begin({ limits: { name: 'clients', limit: 1, per: '1h', maxKeys: 100_000 } });
    await get('/items').expect(200);
    const limiter = app.get(ResilienceService).rateLimiter('clients');
    for (let index = 0; index < 99_999; index++) limiter.tryAcquire({ key: `10.1.${index}` });
    expect(limiter.keyCount).toBe(100_000);
    await get('/items').expect(429);
  });

  it('waits for a permit where the limit says so', async () => {
    await begin({ limits: { name: 'paced', limit: 1, per: '1s', maxWait: '5s' } });
    await get('/items').expect(200);
    const later = get('/items').then(({ status }) => status);
    const { rateLimiter } = { rateLimiter: app.get(ResilienceService).rateLimiter('paced') };
    while (rateLimiter.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance('1s');
    expect(await later).toBe(200);
  });

  it('is off where resilience is, and does what overrides and live changes say before any traffic', async () => {
    await begin({ limits: { limit: 1, per: '1h' } }, { enabled: false });
    expect(await statuses('/items', 3)).toEqual([200, 200, 200]);
    await begin({ limits: { name: 'clients', limit: 1, per: '1h' } }, { overrides: { clients: { rateLimit: { limit: 2 } } } });
    expect(await statuses('/items', 3)).toEqual([200, 200, 429]);
    await begin({ limits: { name: 'clients', limit: 1, per: '1h' } });
    app.get(ResilienceService).reconfigure('clients', { rateLimit: { limit: 3, burst: 3 } });
    expect(await statuses('/items', 4)).toEqual([200, 200, 200, 429]);
  });

  it('takes nothing for keys that have no text, as those of a query string that is an array', async () => {
    const key = (incoming: { query: Record<string, string> }) => incoming.query['user'];
    await begin({ limits: { name: 'users', limit: 1, per: '1h' }, key: key as never });
    for (let times = 0; times < 3; times++)
      await get(`/items?user=a&user=${times}`).expect(500, { statusCode: 500, message: 'Internal server error' });
    expect(app.get(ResilienceService).rateLimiter('users').keyCount).toBe(0);
    await get('/items?user=a').expect(200);
    await get('/items?user=a').expect(429);
  });

  it('says at startup what is wrong with it, all at once', async () => {
    const wrong = { limits: { limit: 0, per: '1x' as never }, contexts: ['htpp' as never, 'http'] } satisfies RateLimitGuardOptions;
    const start = begin(wrong);
    await expect(start).rejects.toThrow(/limit ShopController\.items: rateLimit limit must be an integer >= 1, got 0/);
    await expect(start).rejects.toThrow(/per must be .*got "1x"/);
    await expect(start).rejects.toThrow(/contexts must be of http, graphql, ws, rpc, got "htpp"; did you mean "http"/);
    await expect(begin({ limits: [] })).rejects.toThrow('RateLimitGuard: limits must name one limit at least, got []');
  });
});

describe('options that no compiler has seen', () => {
  const starting = (options: unknown) =>
    start({
      controllers: [ShopController],
      providers: [{ provide: APP_GUARD, useClass: RateLimitGuard.of(options as RateLimitGuardOptions) }],
    });
  afterEach(closeAll);

  it.each([
    [undefined, 'RateLimitGuard: options must be an object, got undefined'],
    [{}, "RateLimitGuard: limits is required: a limit like { limit: 100, per: '1m' }, or a list of them"],
    [{ limits: [null] }, 'RateLimitGuard: limits must be a limit like'],
    [{ limits: { limit: 5 }, contexts: 'http' }, 'contexts must be a list of http, graphql, ws, rpc, got "http"'],
    [{ limits: { limit: 5 }, skipif: () => true }, 'RateLimitGuard: has no option "skipif"; did you mean "skipIf"?'],
    [{ limits: { limit: 5 }, skipIf: 'x' }, 'RateLimitGuard: skipIf must be a function (request, context) => boolean, got "x"'],
  ])('are an error of the start: %p', async (options, message) => {
    await expect(starting(options)).rejects.toThrow(message);
  });
});

describe('@RouteRateLimit', () => {
  it('without a limit is an error where it stands: it would take every limit away', () => {
    const given = RouteRateLimit as unknown as (...limits: unknown[]) => void;
    expect(() => given()).toThrow("@RouteRateLimit must be given limits like { limit: 5, per: '1m' }, got nothing");
    expect(() => given(undefined)).toThrow('got undefined');
  });

  it('is told at startup where no guard reads it', async () => {
    const warnings: string[] = [];
    const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ logger })],
      controllers: [ShopController],
    }).compile();
    const app = await module.createNestApplication({ logger: false }).init();
    expect(warnings).toEqual([
      'ShopController.report: @RouteRateLimit is for RateLimitGuard to read, and none stands before it',
      'ShopController.cached: @RouteRateLimit is for RateLimitGuard to read, and none stands before it',
    ]);
    await app.close();
  });
});

describe('two guards on one route', () => {
  it('are two limits with names of their own', async () => {
    @UseGuards(RateLimitGuard.of({ limits: { limit: 2, per: '1h' } }), RateLimitGuard.of({ limits: { limit: 1, per: '1h' } }))
    @Controller()
    class TwiceController {
      @Get()
      twice(): string {
        return 'ok';
      }
    }
    const module = await Test.createTestingModule({ imports: [ResilienceModule.forRoot()], controllers: [TwiceController] }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0);
    const ids = app.get(ResilienceService).list();
    expect(ids.map(({ operationId }) => operationId)).toEqual(['limit TwiceController.twice', 'limit TwiceController.twice#2']);
    await request(app.getHttpServer() as never)
      .get('/')
      .expect(200);
    await request(app.getHttpServer() as never)
      .get('/')
      .expect(429);
    await app.close();
  });
});
