import { Controller, Get, Sse, UseInterceptors, type Type } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { of, type Observable } from 'rxjs';
import request from 'supertest';
import { RateLimitHeadersInterceptor, ResilienceInterceptor } from '../../../../src/integrations/http/index.js';
import { policies, type ResilienceModuleOptions } from '../../../../src/index.js';
import { closeAll, service, start, told } from '../../../support/nest.js';

@Controller('reports')
class ReportsController {
  @Get('make')
  make(): string {
    return 'made';
  }

  @Get('list')
  list(): string {
    return 'listed';
  }

  @Sse('watch')
  watch(): Observable<object> {
    return of({ data: 1 });
  }
}

afterEach(closeAll);

const ofApplication = (...interceptors: Type[]) => interceptors.map((useClass) => ({ provide: APP_INTERCEPTOR, useClass }));
const begin = (interceptors: Type[], options: ResilienceModuleOptions = {}, controllers: Type[] = [ReportsController]) =>
  start({ controllers, providers: ofApplication(...interceptors) }, options);

describe('the routes of an interceptor', () => {
  it('are compiled, and all listed, before the first request', async () => {
    const app = await begin([ResilienceInterceptor.of({ policy: policies.bulkhead(5), routes: { 'ReportsController.list': undefined } })]);
    expect(
      service(app)
        .list()
        .map(({ operationId }) => operationId),
    ).toEqual(['route ReportsController.make', 'route ReportsController.watch']);
    expect(String(service(app).explain('route ReportsController.make'))).toMatch(/maxConcurrent 5 \(route\)/);
  });

  it('with a bad option are an error of the start, with all that is wrong', async () => {
    const bad = ResilienceInterceptor.of({
      policy: policies.rateLimit({ limit: -5 }),
      routes: { 'ReportsController.list': policies.timeout('2 sec' as never) },
      contexts: ['web' as never, 'http'],
    });
    const starting = begin([bad]);
    await expect(starting).rejects.toThrow(/route ReportsController\.make: rateLimit limit must be an integer >= 1, got -5/);
    await expect(starting).rejects.toThrow(/route ReportsController\.list: timeout .*got "2 sec"/);
    await expect(starting).rejects.toThrow(/contexts must be of http, graphql, ws, rpc, got "web"/);
  });

  it('that are misspelt are told, with the nearest that there is; so are limiters of the header interceptor', async () => {
    const { warnings, logger } = told();
    const routes = ResilienceInterceptor.of({
      policy: policies.rateLimit({ name: 'clients', limit: 5 }),
      routes: { 'ReportController.make': undefined, 'Nothing.of.the.kind': undefined },
    });
    await begin([routes, RateLimitHeadersInterceptor.of({ limiter: 'clientz' })], { logger });
    expect(warnings).toEqual([
      'ResilienceInterceptor: routes: "ReportController.make" is no handler; did you mean "ReportsController.make"?',
      'ResilienceInterceptor: routes: "Nothing.of.the.kind" is no handler',
      'RateLimitHeadersInterceptor: there is no rate limiter "clientz"; did you mean "clients"?',
    ]);
  });

  it('know overrides and live changes before the first request, without a warning', async () => {
    const { warnings, logger } = told();
    const policy = policies.rateLimit({ name: 'clients', limit: 3, per: '1m' });
    const app = await begin([ResilienceInterceptor.of({ policy })], { logger, overrides: { clients: { rateLimit: { limit: 50 } } } });
    expect(warnings).toEqual([]);
    expect(service(app).rateLimiter('clients').settings.limit).toBe(50);
    service(app).reconfigure('clients', { rateLimit: { limit: 40 } });
    expect(service(app).rateLimiter('clients').settings.limit).toBe(40);
  });

  it('belong to each interceptor: two around one route both count', async () => {
    UseInterceptors(ResilienceInterceptor.of({ policy: policies.rateLimit({ limit: 2, per: '1h' }) }))(TwiceController);
    const app = await begin([ResilienceInterceptor.of({ policy: policies.rateLimit({ limit: 3, per: '1h' }) })], {}, [TwiceController]);
    const server = app.getHttpServer() as never;
    await request(server).get('/twice').expect(200);
    await request(server).get('/twice').expect(200);
    await request(server).get('/twice').expect(429);
    expect(
      service(app)
        .rateLimiters()
        .map(({ name, settings }) => `${name}: ${settings.limit}`)
        .toSorted(),
    ).toEqual(['route TwiceController.get#2: 2', 'route TwiceController.get: 3']);
  });

  it('belong to each class: two controllers of one name are two', async () => {
    const [first, second] = [namesake('one'), namesake('two')];
    const app = await begin([ResilienceInterceptor.of({ policy: policies.rateLimit({ limit: 1, per: '1h' }) })], {}, [first, second]);
    const server = app.getHttpServer() as never;
    await request(server).get('/one').expect(200);
    await request(server).get('/two').expect(200);
    await request(server).get('/one').expect(429);
    expect(service(app).list()).toHaveLength(2);
  });

  it('are inherited by each concrete controller on its own', async () => {
    const app = await begin([ResilienceInterceptor.of({ policy: policies.rateLimit({ limit: 1, per: '1h' }) })], {}, [
      CatsController,
      DogsController,
    ]);
    const server = app.getHttpServer() as never;
    await request(server).get('/cats').expect(200);
    await request(server).get('/dogs').expect(200);
    await request(server).get('/dogs').expect(429);
  });
});

@Controller('twice')
class TwiceController {
  @Get()
  get(): string {
    return 'ok';
  }
}

abstract class AnimalsController {
  @Get()
  all(): string {
    return 'all';
  }
}

@Controller('cats')
class CatsController extends AnimalsController {}

@Controller('dogs')
class DogsController extends AnimalsController {}

function namesake(path: string): Type {
  @Controller(path)
  class NamesakeController {
    @Get()
    get(): string {
      return path;
    }
  }
  return NamesakeController;
}

describe('options that no compiler has seen', () => {
  const policy = policies.timeout('1s');

  it.each([
    [{ policy, polcy: policy }, 'ResilienceInterceptor: has no option "polcy"; did you mean "policy"?'],
    [undefined, 'ResilienceInterceptor: options must be an object, got undefined'],
    [{ routes: [] }, 'ResilienceInterceptor: routes must be an object of policies by "Controller.handler", got []'],
  ])('of an interceptor for routes are an error of the start: %p', async (options, message) => {
    await expect(begin([ResilienceInterceptor.of(options as never)])).rejects.toThrow(message);
  });

  it.each([
    [{}, 'RateLimitHeadersInterceptor: limiter is required'],
    [{ limiter: 'a', key: 'ip' }, 'RateLimitHeadersInterceptor: key must be a function (request) => string, got "ip"'],
  ])('of an interceptor for headers are an error of the start: %p', async (options, message) => {
    await expect(begin([RateLimitHeadersInterceptor.of(options as never)])).rejects.toThrow(message);
  });
});

describe('what is left of a limit', () => {
  it('is told to nobody where its key cannot be found, which takes no answer away', async () => {
    const { warnings, logger } = told();
    const failing = RateLimitHeadersInterceptor.of({
      limiter: 'clients',
      key: () => {
        throw new Error('no tenant');
      },
    });
    const server = (await begin([failing, limits()], { logger })).getHttpServer() as never;
    const { headers: fields } = await request(server).get('/reports/make').expect(200);
    expect(fields).not.toHaveProperty('ratelimit');
    await request(server).get('/reports/make').expect(429);
    expect(warnings).toContain('the key of RateLimitHeadersInterceptor threw; the call went on without it (told once)');
  });

  const limits = () => ResilienceInterceptor.of({ policy: policies.rateLimit({ name: 'clients', limit: 1, per: '1m' }) });
  const headers = () => RateLimitHeadersInterceptor.of({ limiter: 'clients' });

  it.each([
    ['inside of the one that rejects', () => [limits(), headers()]],
    ['outside of it', () => [headers(), limits()]],
  ])('is told on the 200 and on the 429 by an interceptor %s', async (_place, interceptors) => {
    const server = (await begin(interceptors())).getHttpServer() as never;
    await request(server).get('/reports/make').expect(200).expect('RateLimit', '"clients";r=0;t=60');
    await request(server)
      .get('/reports/make')
      .expect(429)
      .expect('RateLimit', '"clients";r=0;t=60')
      .expect('RateLimit-Policy', '"clients";q=1;w=60');
  });

  it('is told by an interceptor of a controller only on its routes', async () => {
    UseInterceptors(headers())(ToldController);
    const app = await begin([limits()], {}, [ReportsController, ToldController]);
    const server = app.getHttpServer() as never;
    await request(server)
      .get('/told')
      .expect(200)
      .expect('RateLimit', /clients/);
    await request(server)
      .get('/told')
      .expect(429)
      .expect('RateLimit', /clients/);
    const other = await request(server).get('/reports/make').expect(429);
    expect(other.headers['ratelimit']).toBeUndefined();
  });
});

@Controller('told')
class ToldController {
  @Get()
  get(): string {
    return 'ok';
  }
}
