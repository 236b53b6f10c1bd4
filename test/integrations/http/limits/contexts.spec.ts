import { Controller, UseFilters, UseGuards, type HttpServer, type INestApplication } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { firstValueFrom } from 'rxjs';
import { io } from 'socket.io-client';
import request from 'supertest';
import { WebSocket } from 'ws';
import {
  clientIp,
  RateLimitGuard,
  ResilienceExceptionFilter,
  ResilienceInterceptor,
  SkipRateLimit,
} from '../../../../src/integrations/http/index.js';
import { policies, ResilienceModule, ResilienceService } from '../../../../src/index.js';
import { freePort } from '../../../support/free-port.js';

@Resolver()
class PricesResolver {
  @Query(() => String)
  price(@Args('ip', { nullable: true, type: () => String }) _ip?: string): string {
    return 'price';
  }

  @SkipRateLimit()
  @Query(() => String)
  free(): string {
    return 'free';
  }
}

/** Fastify's request knows nothing of its reply: there the context of the application has to say where headers go. */
const platforms: readonly [string, () => HttpServer, object][] = [
  ['Express', () => new ExpressAdapter(), {}],
  ['Fastify', () => new FastifyAdapter(), { context: (_request: object, reply: object) => ({ reply }) }],
];

describe.each(platforms)('over GraphQL on %s', (_platform, adapter, settings) => {
  let app: INestApplication;
  const ask = (query: string) =>
    request(app.getHttpServer() as never)
      .post('/graphql')
      .send({ query });

  async function begin(...providers: { provide: symbol | string; useClass: new (...args: never[]) => object }[]): Promise<void> {
    const module = await Test.createTestingModule({
      imports: [
        ResilienceModule.forRoot({ logs: false }),
        GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true, ...settings }),
      ],
      providers: [PricesResolver, { provide: APP_FILTER, useClass: ResilienceExceptionFilter }, ...(providers as never[])],
    }).compile();
    app = module.createNestApplication(adapter(), { logger: false });
    await app.listen(0);
  }
  afterEach(() => app.close());

  it('a guard finds who asks, tells what is left and answers with the code alone', async () => {
    await begin({ provide: APP_GUARD, useClass: RateLimitGuard.of({ limits: { name: 'clients', limit: 1, per: '1h' } }) });
    await ask('{ price(ip: "1.1.1.1") }').expect(200).expect('RateLimit', '"clients";r=0;t=3600');
    const { body, headers } = await ask('{ price(ip: "2.2.2.2") }');
    expect((body as { errors: object[] }).errors[0]).toMatchObject({
      message: 'Too Many Requests',
      extensions: { code: 'ERR_RATE_LIMITED', retryAfterMs: expect.any(Number) as number },
    });
    expect(JSON.stringify(body)).not.toMatch(/clients|127\.0\.0\.1/);
    expect(headers['ratelimit']).toMatch(/^"clients";r=0;/);
    for (let times = 0; times < 3; times++) expect((await ask('{ free }')).body).toEqual({ data: { free: 'free' } });
  });

  it('an interceptor of the whole application keeps to HTTP unless asked', async () => {
    const policy = policies.rateLimit({ name: 'clients', limit: 1, per: '1h', key: clientIp });
    await begin({ provide: APP_INTERCEPTOR, useClass: ResilienceInterceptor.of({ policy }) });
    for (let times = 0; times < 3; times++) expect((await ask('{ price }')).body).toEqual({ data: { price: 'price' } });
    expect(app.get(ResilienceService).list()).toEqual([]);
    await app.close();
    await begin({ provide: APP_INTERCEPTOR, useClass: ResilienceInterceptor.of({ policy, contexts: ['graphql'] }) });
    expect((await ask('{ price }')).body).toEqual({ data: { price: 'price' } });
    expect((await ask('{ price }')).body).toMatchObject({ errors: [{ message: 'Too Many Requests' }] });
  });
});

@Controller()
class MathController {
  @MessagePattern('sum')
  sum(numbers: number[]): number {
    return numbers.length;
  }
}

describe('over RPC', () => {
  it.each([
    [
      'the guard',
      { provide: APP_GUARD, useClass: RateLimitGuard.of({ limits: { name: 'clients', limit: 2, per: '1h' }, contexts: ['rpc'] }) },
    ],
    [
      'the interceptor',
      {
        provide: APP_INTERCEPTOR,
        useClass: ResilienceInterceptor.of({
          policy: policies.rateLimit({ name: 'clients', limit: 2, per: '1h', key: clientIp }),
          contexts: ['rpc'],
        }),
      },
    ],
  ])('%s knows a caller by its connection, not by what is in the payload', async (_what, provider) => {
    const options = { host: '127.0.0.1', port: await freePort() };
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ logs: false })],
      controllers: [MathController],
      providers: [provider, { provide: APP_FILTER, useClass: ResilienceExceptionFilter }],
    }).compile();
    const app = module.createNestMicroservice({ transport: Transport.TCP, options, logger: false });
    await app.listen();
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    await client.connect();
    const ask = (ip: string) => firstValueFrom(client.send('sum', { ip, headers: {}, length: 3 }));
    await expect(ask('1.1.1.1')).resolves.toBe(3);
    await expect(ask('2.2.2.2')).resolves.toBe(3);
    await expect(ask('3.3.3.3')).rejects.toMatchObject({ status: 'error', code: 'ERR_RATE_LIMITED', message: 'Too Many Requests' });
    const limiter = module.get(ResilienceService).rateLimiter('clients');
    expect([limiter.peek('127.0.0.1').remaining, limiter.peek('1.1.1.1').remaining]).toEqual([0, 2]);
    client.close();
    await app.close();
  });

  it('neither limits message handlers unless asked', async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    const policy = policies.rateLimit({ limit: 1, per: '1h' });
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ logs: false })],
      controllers: [MathController],
      providers: [
        { provide: APP_GUARD, useClass: RateLimitGuard.of({ limits: { limit: 1, per: '1h' } }) },
        { provide: APP_INTERCEPTOR, useClass: ResilienceInterceptor.of({ policy }) },
      ],
    }).compile();
    const app = module.createNestMicroservice({ transport: Transport.TCP, options, logger: false });
    await app.listen();
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    await client.connect();
    for (let times = 0; times < 3; times++) await expect(firstValueFrom(client.send('sum', [1]))).resolves.toBe(1);
    client.close();
    await app.close();
  });
});

// Nest gives gateways no global guards and filters, so they are named here.
@UseFilters(ResilienceExceptionFilter)
@UseGuards(RateLimitGuard.of({ limits: { name: 'clients', limit: 1, per: '1h' } }))
@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('say')
  say(): { event: string; data: string } {
    return { event: 'said', data: 'hello' };
  }
}

/** Says something, and gives what comes back. */
type Say = (port: number) => Promise<{ event: string; data: unknown }>;

const overPlain: Say = (port) =>
  new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    socket.once('open', () => socket.send(JSON.stringify({ event: 'say', data: { ip: Math.random() } })));
    socket.once('message', (message: Buffer) => {
      socket.close();
      resolve(JSON.parse(message.toString()) as { event: string; data: unknown });
    });
  });

const overSocketIo: Say = (port) =>
  new Promise((resolve) => {
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] });
    socket.onAny((event: string, data: unknown) => {
      socket.close();
      resolve({ event, data });
    });
    socket.on('connect', () => void socket.emit('say', {}));
  });

describe.each([
  ['ws', overPlain, (app: INestApplication) => new WsAdapter(app)],
  ['socket.io', overSocketIo, (app: INestApplication) => new IoAdapter(app)],
])('over a WebSocket of %s', (_library, say, adapter) => {
  it('a guard knows a client by its connection, and tells a rejection in whole milliseconds', async () => {
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ logs: false })],
      providers: [ChatGateway],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    app.useWebSocketAdapter(adapter(app));
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    expect(await say(port)).toEqual({ event: 'said', data: 'hello' });
    const { event, data } = await say(port);
    expect({ event, data }).toMatchObject({ event: 'exception', data: { code: 'ERR_RATE_LIMITED', message: 'Too Many Requests' } });
    expect(Number.isInteger((data as { retryAfterMs: number }).retryAfterMs)).toBe(true);
    expect(app.get(ResilienceService).rateLimiter('clients').peek('127.0.0.1').remaining).toBe(0);
    await app.close();
  });
});
