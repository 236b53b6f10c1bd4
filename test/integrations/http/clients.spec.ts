import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Injectable } from '@nestjs/common';
import { lastValueFrom, map, type Observable } from 'rxjs';
import { HttpStatusError, throwOnFailure } from '../../../src/integrations/http/index.js';
import {
  Attempt,
  CircuitBreaker,
  CircuitOpenError,
  Retry,
  Timeout,
  TimeoutExceededError,
  type AttemptContext,
} from '../../../src/index.js';
import { closeAll, service, start } from '../../support/nest.js';
import { until } from '../../support/until.js';

/** What the server does with the requests to come: a status each, `hang`, and 200 when there is nothing more. */
const plan: (number | 'hang')[] = [];
const seen: { method: string; key: string | undefined; at: number }[] = [];
const state = { aborted: 0 };
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((incoming, answer) => {
    seen.push({ method: incoming.method!, key: incoming.headers['idempotency-key'] as string | undefined, at: Date.now() });
    const next = plan.shift() ?? 200;
    answer.on('close', () => void (state.aborted += answer.writableFinished ? 0 : 1));
    if (next === 'hang') return;
    answer.writeHead(next, next === 429 ? { 'Retry-After': '0.2' } : {});
    answer.end(JSON.stringify({ status: next }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
beforeEach(() => {
  plan.length = seen.length = state.aborted = 0;
});
afterEach(closeAll);

@Injectable()
class FetchClient {
  @Retry({ maxAttempts: 3, backoff: 'none' })
  @CircuitBreaker({ consecutiveFailures: 4, openDuration: '1h' })
  @Timeout('2s')
  async get(@Attempt() attempt?: AttemptContext): Promise<number> {
    return throwOnFailure(await fetch(url, { signal: attempt!.signal, headers: { connection: 'close' } })).status;
  }

  @Retry({ maxAttempts: 3, backoff: 'none' })
  async post(orderId: string): Promise<number> {
    const headers = { 'Idempotency-Key': orderId, connection: 'close' };
    return throwOnFailure(await fetch(url, { method: 'POST', headers })).status;
  }
}

@Injectable()
class AxiosClient {
  constructor(private readonly http: HttpService) {}

  @Retry({ maxAttempts: 3, backoff: 'none' })
  @CircuitBreaker({ consecutiveFailures: 4, openDuration: '1h' })
  @Timeout('2s')
  get(@Attempt() attempt?: AttemptContext): Observable<number> {
    return this.http.get(url, { signal: attempt!.signal }).pipe(map(({ status }) => status));
  }
}
Reflect.defineMetadata('design:paramtypes', [HttpService], AxiosClient);

describe.each<[string, (app: Awaited<ReturnType<typeof start>>) => Promise<number>, string]>([
  ['fetch', (app) => app.get(FetchClient).get(), 'FetchClient.get'],
  ['@nestjs/axios', (app) => lastValueFrom(app.get(AxiosClient).get()), 'AxiosClient.get'],
])('a client with %s', (_library, call, operationId) => {
  const client = () => start({ imports: [HttpModule], providers: [FetchClient, AxiosClient] });

  it('tries again after 5xx, and waits as long as Retry-After asks', async () => {
    plan.push(503, 429);
    await expect(call(await client())).resolves.toBe(200);
    expect(seen).toHaveLength(3);
    expect(seen[2]!.at - seen[1]!.at).toBeGreaterThanOrEqual(190);
  });

  it('aborts the request of an attempt that takes too long', async () => {
    plan.push('hang', 'hang');
    await expect(call(await client())).resolves.toBe(200);
    expect(seen).toHaveLength(3);
    // The server hears of a closed connection a moment later.
    await until('both connections are closed', () => state.aborted >= 2);
    expect(state.aborted).toBe(2);
    plan.push('hang', 'hang', 'hang');
    await expect(call(await client())).rejects.toBeInstanceOf(TimeoutExceededError);
  });

  it('takes a 404 for an answer: not tried again, and no failure to the breaker', async () => {
    const app = await client();
    for (let count = 0; count < 5; count++) {
      plan.push(404);
      await call(app).catch(() => undefined);
    }
    expect(seen).toHaveLength(5);
    expect(service(app).circuitBreaker(operationId).state).toBe('closed');
  });

  it('stops asking a server that is down', async () => {
    const app = await client();
    plan.push(500, 500, 500, 500, 500, 500);
    await expect(call(app)).rejects.toMatchObject({ response: { status: 500 } });
    await expect(call(app)).rejects.toBeInstanceOf(CircuitOpenError);
    expect(seen).toHaveLength(4);
  });
});

describe('throwOnFailure', () => {
  it('keeps the key of a POST for all attempts', async () => {
    const app = await start({ providers: [FetchClient] });
    plan.push(500, 502);
    await expect(app.get(FetchClient).post('order-7')).resolves.toBe(200);
    expect(seen.map(({ method, key }) => `${method} ${key}`)).toEqual(['POST order-7', 'POST order-7', 'POST order-7']);
  });

  it.each([200, 204, 301, 400, 404, 409])('gives an answer of %d as it is', (status) => {
    const answer = { status, headers: new Headers() };
    expect(throwOnFailure(answer)).toBe(answer);
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('throws an answer of %d, with its headers', (status) => {
    const answer = { status, headers: new Headers({ 'Retry-After': '7' }) };
    const error = (() => {
      try {
        return throwOnFailure(answer);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(HttpStatusError);
    expect(error).toMatchObject({ status, response: answer });
  });
});
