import {
  applyDecorators,
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Injectable,
  Param,
  ParseIntPipe,
  Post,
  Query,
  SetMetadata,
  Sse,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type MessageEvent,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { of, type Observable } from 'rxjs';
import request from 'supertest';
import { Attempt, Bulkhead, CircuitBreaker, Fallback, RateLimit, ResilienceModule, Retry, type AttemptContext } from '../../src/index.js';
import { closeAll, service, start } from '../support/nest.js';

afterEach(closeAll);

const retry = { maxAttempts: 3, backoff: 'none' } as const;

@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string | undefined>('role', context.getHandler());
    return role === undefined || context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-role'] === role;
  }
}
Reflect.defineMetadata('design:paramtypes', [Reflector], RolesGuard);

let fails = 0;
const failTwice = (): void => {
  if (++fails % 3 !== 0) throw new Error('not yet');
};

class Inherited {
  @Get('inherited/:id')
  async inherited(@Param('id', ParseIntPipe) id: number): Promise<object> {
    failTwice();
    return { id };
  }
}

@Retry(retry)
@Controller()
class Api extends Inherited {
  // Ours above Nest's own ...
  @Retry(retry)
  @Get('above/:id')
  @SetMetadata('role', 'admin')
  @UseGuards(RolesGuard)
  @Header('x-answer', 'yes')
  @HttpCode(202)
  async above(@Param('id', ParseIntPipe) id: number, @Query('q') q: string, @Attempt() attempt?: AttemptContext): Promise<object> {
    failTwice();
    return { id, q, attempt: attempt!.attempt };
  }

  // ... below ...
  @Post('below')
  @Header('x-answer', 'yes')
  @Retry(retry)
  async below(@Body() body: object): Promise<object> {
    failTwice();
    return { body };
  }

  // ... and between.
  @Get('between')
  @Retry(retry)
  @Header('x-answer', 'yes')
  between(): Observable<object> {
    failTwice();
    return of({ between: true });
  }

  @Sse('events')
  @Bulkhead(5)
  events(): Observable<MessageEvent> {
    return of({ data: 'one' }, { data: 'two' });
  }

  @Get('open')
  @CircuitBreaker({ name: 'open' })
  async open(): Promise<string> {
    return 'never';
  }

  @Get('limited')
  @RateLimit({ limit: 1, per: '1h' })
  async limited(): Promise<string> {
    return 'once';
  }
}

const platforms: readonly [string, () => Promise<INestApplication>][] = [
  ['Express', () => start({ controllers: [Api], providers: [RolesGuard] })],
  [
    'Fastify',
    async () => {
      const module = await Test.createTestingModule({
        imports: [ResilienceModule.forRoot()],
        controllers: [Api],
        providers: [RolesGuard],
      }).compile();
      const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
      await app.init();
      await app.getHttpAdapter().getInstance().ready();
      return app;
    },
  ],
];

describe.each(platforms)('a controller on %s', (_platform, create) => {
  let app: INestApplication;

  beforeAll(async () => {
    app = await create();
  });
  afterAll(() => app.close());
  beforeEach(() => {
    fails = 0;
  });

  it('keeps pipes, guards, params and metadata, with our decorators above, below and between', async () => {
    const above = await request(app.getHttpServer()).get('/above/7?q=x').set('x-role', 'admin');
    expect([above.status, above.headers['x-answer'], above.body]).toEqual([202, 'yes', { id: 7, q: 'x', attempt: 3 }]);
    const below = await request(app.getHttpServer()).post('/below').send({ a: 1 });
    expect([below.status, below.headers['x-answer'], below.body]).toEqual([201, 'yes', { body: { a: 1 } }]);
    const between = await request(app.getHttpServer()).get('/between');
    expect([between.status, between.headers['x-answer'], between.body]).toEqual([200, 'yes', { between: true }]);
    expect((await request(app.getHttpServer()).get('/above/x').set('x-role', 'admin')).status).toBe(400);
    expect((await request(app.getHttpServer()).get('/above/7')).status).toBe(403);
  });

  it('protects an inherited route by the decorator of the class', async () => {
    const answer = await request(app.getHttpServer()).get('/inherited/7');
    expect([answer.status, answer.body]).toEqual([200, { id: 7 }]);
  });

  it('streams events', async () => {
    const answer = await request(app.getHttpServer()).get('/events');
    expect(answer.text).toContain('data: one');
    expect(answer.text).toContain('data: two');
  });

  it('answers a rejection with its status and Nest’s standard text, and no word of ours', async () => {
    service(app).circuitBreaker('open').forceOpen();
    const open = await request(app.getHttpServer()).get('/open');
    expect([open.status, JSON.stringify(open.body)]).toEqual([503, expect.not.stringContaining('Circuit')]);
    expect((await request(app.getHttpServer()).get('/limited')).status).toBe(200);
    expect((await request(app.getHttpServer()).get('/limited')).status).toBe(429);
  });
});

describe('methods that something else than a request calls', () => {
  it('are protected with @OnEvent and @Cron, above and below', async () => {
    let events = 0;
    let ticks = 0;
    @Injectable()
    class Jobs {
      @Retry(retry)
      @OnEvent('above')
      async above(): Promise<void> {
        if (++events % 3 !== 0) throw new Error('again');
      }

      @OnEvent('below')
      @Retry(retry)
      async below(): Promise<void> {
        if (++events % 3 !== 0) throw new Error('again');
      }

      @Cron('0 0 1 1 *', { name: 'above' })
      @Retry(retry)
      async tick(): Promise<void> {
        if (++ticks % 3 !== 0) throw new Error('again');
      }

      @Retry(retry)
      @Cron('0 0 1 1 *', { name: 'below' })
      async tock(): Promise<void> {
        if (++ticks % 3 !== 0) throw new Error('again');
      }
    }
    const app = await start({ imports: [EventEmitterModule.forRoot(), ScheduleModule.forRoot()], providers: [Jobs] });
    const emitter = app.get(EventEmitter2);
    await emitter.emitAsync('above');
    await emitter.emitAsync('below');
    expect(events).toBe(6);
    // A job is not waited for, and the two count together.
    for (const name of ['above', 'below']) {
      await app.get(SchedulerRegistry).getCronJob(name).fireOnTick();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(ticks).toBe(6);
    expect(service(app).metrics().total.retryAttempts).toBe(8);
  });
});

describe('metadata of a decorated method', () => {
  it('is that of the method, with its name and its number of parameters', () => {
    const marked = applyDecorators(SetMetadata('below', 1));
    class A {
      @SetMetadata('above', 2)
      @Fallback({ value: 5 })
      @marked
      async work(_a: string, _b: number): Promise<number> {
        return 1;
      }
    }
    const work = A.prototype.work;
    expect([work.name, work.length, Reflect.getMetadata('below', work), Reflect.getMetadata('above', work)]).toEqual(['work', 2, 1, 2]);
    expect(Reflect.getMetadata('design:paramtypes', A.prototype, 'work')).toEqual([String, Number]);
  });
});
