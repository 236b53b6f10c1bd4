import { UseFilters, type INestApplication, type INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, type WsResponse } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { of, throwError, type Observable } from 'rxjs';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { ResilienceExceptionFilter } from '../../src/integrations/http/index.js';
import { Fallback, RateLimit, Retry } from '../../src/index.js';
import { closeAll, start } from '../support/nest.js';

const attempts = { count: 0 };

// Nest gives gateways no global filter (APP_FILTER), so it is named here.
@UseFilters(ResilienceExceptionFilter)
@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('say')
  @Retry({ maxAttempts: 3, backoff: 'none' })
  async say(_client: unknown, text: string): Promise<WsResponse<string>> {
    if (++attempts.count % 3 !== 0) throw new Error('not yet');
    return { event: 'said', data: text };
  }

  @SubscribeMessage('stream')
  @Fallback({ value: { event: 'streamed', data: 'instead' } })
  stream(): Observable<WsResponse<string>> {
    return throwError(() => new Error('no stream'));
  }

  @SubscribeMessage('limited')
  @RateLimit({ limit: 1, per: '1h' })
  limited(): Observable<WsResponse<string>> {
    return of({ event: 'limited', data: 'once' });
  }
}

/** A client that sends an event and waits for the next one it is told. */
interface Client {
  ask(event: string, data?: unknown): Promise<{ event: string; data: unknown }>;
  close(): void;
}

function plainClient(port: number): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  const client: Client = {
    ask: (event, data) =>
      new Promise((resolve) => {
        socket.once('message', (message: Buffer) => resolve(JSON.parse(message.toString()) as { event: string; data: unknown }));
        socket.send(JSON.stringify({ event, data }));
      }),
    close: () => socket.close(),
  };
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client));
    socket.once('error', reject);
  });
}

function socketIoClient(port: number): Promise<Client> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] });
  const client: Client = {
    ask: (event, data) =>
      new Promise((resolve) => {
        socket.onAny((told: string, answer: unknown) => {
          socket.offAny();
          resolve({ event: told, data: answer });
        });
        socket.emit(event, data);
      }),
    close: () => void socket.close(),
  };
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(client));
    socket.once('connect_error', reject);
  });
}

const platforms = [
  { platform: 'ws', adapter: (app: INestApplicationContext) => new WsAdapter(app), connect: plainClient },
  { platform: 'socket.io', adapter: (app: INestApplicationContext) => new IoAdapter(app), connect: socketIoClient },
];

describe.each(platforms)('a gateway over $platform', ({ adapter, connect }) => {
  let app: INestApplication;
  let client: Client;

  beforeAll(async () => {
    attempts.count = 0;
    app = await start(
      { providers: [ChatGateway] },
      {},
      (builder) => builder,
      false,
      (fresh) => fresh.useWebSocketAdapter(adapter(fresh)),
    );
    await app.listen(0, '127.0.0.1');
    client = await connect((app.getHttpServer() as { address(): AddressInfo }).address().port);
  });
  afterAll(async () => {
    client.close();
    await closeAll();
  });

  it('has its handlers protected, with promises and Observables', async () => {
    expect(await client.ask('say', 'hello')).toEqual({ event: 'said', data: 'hello' });
    expect(attempts.count).toBe(3);
    expect(await client.ask('stream')).toEqual({ event: 'streamed', data: 'instead' });
  });

  it('tells its caller of a rejection by the event "exception", and nothing of the inside', async () => {
    expect(await client.ask('limited')).toEqual({ event: 'limited', data: 'once' });
    const { event, data } = await client.ask('limited');
    expect(event).toBe('exception');
    expect(data).toMatchObject({ status: 'error', code: 'ERR_RATE_LIMITED', message: 'Too Many Requests' });
  });
});
