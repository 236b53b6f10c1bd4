import { Catch, Controller, Get, HttpException, Injectable, Module, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER, ExternalContextCreator, HttpAdapterHost, NestFactory } from '@nestjs/core';
import request from 'supertest';
import { ResilienceExceptionFilter, toHttpException } from '../../../src/integrations/http/index.js';
import { CircuitBreaker, CircuitOpenError, RateLimit, ResilienceModule, type ResilienceError } from '../../../src/index.js';
import { closeAll, service, start } from '../../support/nest.js';

@Injectable()
class Consumer {
  @CircuitBreaker({ name: 'queue' })
  async handle(_message: object): Promise<void> {}
}

@Controller()
class LimitedController {
  @Get()
  @RateLimit({ name: 'secret name', limit: 1, per: '1m', key: () => 'secret key' })
  async limited(): Promise<string> {
    return 'ok';
  }
}

afterEach(closeAll);

describe('ResilienceExceptionFilter', () => {
  @Module({
    imports: [ResilienceModule.forRoot({ logs: false })],
    providers: [Consumer, { provide: APP_FILTER, useClass: ResilienceExceptionFilter }],
  })
  class ConsumerModule {}

  it.each([
    ['an application', () => NestFactory.create(ConsumerModule, { logger: false })],
    ['a context without HTTP', () => NestFactory.createApplicationContext(ConsumerModule, { logger: false })],
  ])('throws on what it has no answer for: a handler of another library in %s', async (_kind, create) => {
    const app = await create();
    await app.init();
    service(app as never)
      .circuitBreaker('queue')
      .forceOpen();
    const consumer = app.get(Consumer);
    const creator = app.get(ExternalContextCreator, { strict: false });
    const handler = creator.create(
      consumer,
      consumer.handle as never,
      'handle',
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      'rmq',
    );
    await expect(handler({ body: 1 }, { fields: {} })).rejects.toBeInstanceOf(CircuitOpenError);
    await app.close();
  });

  it('has the body that a subclass says', async () => {
    @Catch()
    class Problems extends ResilienceExceptionFilter {
      protected override toHttpException(error: ResilienceError): HttpException {
        return new HttpException({ type: 'about:blank', status: error.status }, error.status);
      }
    }
    const app = await start({ controllers: [LimitedController], providers: [{ provide: APP_FILTER, useClass: Problems }] });
    const server = app.getHttpServer() as never;
    await request(server).get('/').expect(200);
    await request(server).get('/').expect(429, { type: 'about:blank', status: 429 }).expect('Retry-After', '60');
  });
});

describe('toHttpException', () => {
  it("makes the catch-all filter of Nest's docs answer with the right status, and says nothing of the inside", async () => {
    @Catch()
    class AllExceptionsFilter implements ExceptionFilter {
      catch(thrown: unknown, host: ArgumentsHost): void {
        const exception = toHttpException(thrown);
        const status = exception instanceof HttpException ? exception.getStatus() : 500;
        const body = exception instanceof HttpException ? exception.getResponse() : {};
        adapterHost().httpAdapter.reply(host.switchToHttp().getResponse(), body, status);
      }
    }
    const app = await start({ controllers: [LimitedController], providers: [{ provide: APP_FILTER, useClass: AllExceptionsFilter }] });
    const adapterHost = () => app.get(HttpAdapterHost);
    const server = app.getHttpServer() as never;
    await request(server).get('/').expect(200);
    const { text } = await request(server).get('/').expect(429, { statusCode: 429, message: 'Too Many Requests' });
    expect(text).not.toContain('secret');
  });

  it('keeps the error as the cause, and gives any other error as it is', () => {
    const other = new Error('other');
    expect(toHttpException(other)).toBe(other);
    expect(toHttpException(undefined)).toBeUndefined();
  });
});
