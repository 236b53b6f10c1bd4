import { Controller, Get, Injectable, Module, type INestApplication, type MiddlewareConsumer } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import request from 'supertest';
import { WebSocket } from 'ws';
import { RateLimit, Retry, type ResilienceEvent } from '../../src/index.js';
import { closeAll, service, start, told } from '../support/nest.js';

afterEach(closeAll);

/** A real gateway on the application's own port. */
async function startGateway(gateway: new () => object, options: Parameters<typeof start>[1]): Promise<INestApplication> {
  const app = await start({ providers: [gateway] }, options, undefined, false, (made) => made.useWebSocketAdapter(new WsAdapter(made)));
  await app.listen(0, '127.0.0.1');
  return app;
}

async function connect(app: INestApplication, times: number): Promise<void> {
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  for (let time = 0; time < times; time++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
  }
}

describe('policies on a class', () => {
  it('do not protect the hooks of a gateway, real connections of which come and go', async () => {
    const seen: string[] = [];
    @RateLimit({ limit: 1, per: '1h' })
    @WebSocketGateway()
    class Chat {
      async afterInit(): Promise<void> {
        seen.push('init');
      }

      async handleConnection(): Promise<void> {
        seen.push('connected');
      }

      async handleDisconnect(): Promise<void> {
        seen.push('left');
      }

      @SubscribeMessage('say')
      async say(): Promise<void> {}
    }
    const app = await startGateway(Chat, {});
    await connect(app, 3);
    expect(seen.filter((what) => what === 'connected')).toHaveLength(3);
    expect(seen.filter((what) => what === 'left')).toHaveLength(3);
    expect(
      service(app)
        .list()
        .map(({ operationId }) => operationId),
    ).toEqual(['Chat.say']);
  });

  it('do not protect what configures middleware, nor a middleware, but a method that is only called so', async () => {
    const calls = { use: 0, tool: 0 };
    @Retry({ maxAttempts: 3, backoff: 'none' })
    @Injectable()
    class Middleware {
      async use(_request: unknown, _response: unknown, _next: () => void): Promise<void> {
        calls.use++;
        throw new Error('no');
      }
    }
    @Retry({ maxAttempts: 3, backoff: 'none' })
    @Injectable()
    class Tool {
      async use(_what: string): Promise<void> {
        calls.tool++;
        throw new Error('no');
      }
    }
    @Controller()
    class Routes {
      @Get()
      route(): string {
        return 'never';
      }
    }
    @Retry({ maxAttempts: 3, backoff: 'none' })
    @Module({ controllers: [Routes], providers: [Tool] })
    class Feature {
      async configure(consumer: MiddlewareConsumer): Promise<void> {
        consumer.apply(Middleware).forRoutes(Routes);
      }
    }
    const app = await start({ imports: [Feature] });
    // Nest takes what a middleware rejects with for the error of the request.
    await request(app.getHttpServer() as never)
      .get('/')
      .expect(500);
    await expect(app.get(Tool).use('x')).rejects.toThrow('no');
    expect(calls).toEqual({ use: 1, tool: 3 });
  });
});

describe('a policy on a hook of a gateway itself', () => {
  it('tells a rejection, which Nest does not look at, and lets the process live', async () => {
    let connections = 0;
    @WebSocketGateway()
    class Chat {
      @RateLimit({ limit: 1, per: '1h' })
      async handleConnection(): Promise<void> {
        connections++;
      }
    }
    const events: ResilienceEvent[] = [];
    const { warnings, logger } = told();
    const app = await startGateway(Chat, { logger, logs: false, onEvent: (event) => events.push(event) });
    await connect(app, 4);
    expect(connections).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('Chat.handleConnection');
    const failed = events.filter(({ type }) => type === 'callback.failed');
    expect(failed).toHaveLength(3);
    expect(failed[0]).toMatchObject({ callback: 'Chat.handleConnection', error: { code: 'ERR_RATE_LIMITED' } });
  });

  it('tells nothing of a method of that name that somebody else calls', async () => {
    @Injectable()
    class Pool {
      @RateLimit({ limit: 1, per: '1h' })
      async handleConnection(): Promise<string> {
        return 'handled';
      }
    }
    const { warnings, logger } = told();
    const app = await start({ providers: [Pool] }, { logger, logs: false });
    await expect(app.get(Pool).handleConnection()).resolves.toBe('handled');
    await expect(app.get(Pool).handleConnection()).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED' });
    expect(warnings).toEqual([]);
  });
});

describe('a handler that the policies of its controller pass by', () => {
  it('is a warning; a method that is no handler is not, nor is one under @SkipResilience()', async () => {
    @RateLimit(5)
    @Controller()
    class Routes {
      @Get('plain')
      plain() {
        return 'plain';
      }

      @Get('async')
      async protected(): Promise<string> {
        return this.helper();
      }

      helper() {
        return 'help';
      }
    }
    const lines: string[] = [];
    const logger = { log: () => undefined, error: () => undefined, warn: (message: string) => lines.push(message) };
    await start({ controllers: [Routes] }, {}, undefined, logger);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^Routes: the decorators of the class do not protect plain, because nothing says that they are async/);
  });
});
