import { Controller, Get, Injectable, Sse } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { concat, NEVER, of, throwError, type Observable } from 'rxjs';
import { ResilienceExceptionFilter } from '../../src/integrations/http/index.js';
import { RateLimit, Timeout, TimeoutExceededError } from '../../src/index.js';
import { StreamErrorsInterceptor } from '../../src/nest/versions/stream-errors.interceptor.js';
import { closeAll, start } from '../support/nest.js';

afterEach(closeAll);

const seen: unknown[] = [];

@Injectable()
class Upstream {
  @Timeout('50ms')
  hanging(): Observable<{ data: string }> {
    return NEVER;
  }
}

@Controller()
class Streams {
  constructor(private readonly upstream: Upstream) {}

  @Sse('limited')
  @RateLimit({ name: 'internal-feed', limit: 1, per: '1h', key: () => 'tenant-4711' })
  limited(): Observable<{ data: string }> {
    return of({ data: 'once' });
  }

  /** What fails in the midst of a stream is a policy further down: one on the route itself bounds the first event only. */
  @Sse('late')
  late(): Observable<{ data: string }> {
    return concat(of({ data: 'first' }), this.upstream.hanging());
  }

  @Sse('foreign')
  foreign(): Observable<{ data: string }> {
    return throwError(() => new Error('secret'));
  }

  @Get('plain')
  @Timeout('50ms')
  plain(): Observable<string> {
    return NEVER;
  }
}

describe('what goes through an @Sse route', () => {
  it.each([
    ['by what Nest does itself', []],
    ['where Nest would tell', [{ provide: APP_INTERCEPTOR, useClass: StreamErrorsInterceptor }]],
  ])('has the standard text of the status and no name, figure or key, %s', async (_how, providers) => {
    const app = await start({
      controllers: [Streams],
      providers: [Upstream, ...providers, { provide: APP_FILTER, useClass: ResilienceExceptionFilter }],
    });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const ask = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { connection: 'close' } });
      return `${answer.status} ${await answer.text()}`;
    };
    expect(await ask('limited')).toContain('data: once');
    expect(await ask('limited')).toBe('429 {"statusCode":429,"message":"Too Many Requests"}');
    expect(await ask('late')).toMatch(/^200 [^]*data: first[^]*event: error[^]*data: Gateway Timeout\n\n$/);
    expect(await ask('foreign')).toBe('500 {"statusCode":500,"message":"Internal server error"}');
    expect(await ask('plain')).toBe('504 {"statusCode":504,"message":"Gateway Timeout"}');
  });

  it('is the same error to whoever looks at its code, with itself as the cause', async () => {
    const context = { getHandler: () => Object.getOwnPropertyDescriptor(Streams.prototype, 'late')!.value as () => void } as never;
    const error = new TimeoutExceededError('Timeout of Streams.late', 50, false, { operationId: 'Streams.late' });
    new StreamErrorsInterceptor().intercept(context, { handle: () => throwError(() => error) }).subscribe({
      error: (masked: unknown) => seen.push(masked),
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeInstanceOf(TimeoutExceededError);
    expect(seen[0]).toMatchObject({ code: 'ERR_TIMEOUT', status: 504, message: 'Gateway Timeout', cause: error });
  });
});
