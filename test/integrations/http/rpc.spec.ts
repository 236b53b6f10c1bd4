import { Controller, type INestMicroservice } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClientProxyFactory, EventPattern, MessagePattern, Transport, type ClientProxy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, of, throwError, type Observable } from 'rxjs';
import { ResilienceExceptionFilter } from '../../../src/integrations/http/index.js';
import {
  CircuitBreaker,
  createResilience,
  Fallback,
  policies,
  RateLimit,
  ResilienceModule,
  ResilienceService,
  Retry,
} from '../../../src/index.js';
import { freePort } from '../../support/free-port.js';
import { until } from '../../support/until.js';

let attempts = 0;
const noticed = { events: 0 };

@Controller()
class MathController {
  @MessagePattern('sum')
  @Retry({ maxAttempts: 3, backoff: 'none' })
  async sum(numbers: number[]): Promise<number> {
    if (++attempts % 3 !== 0) throw new Error('not yet');
    return numbers.reduce((a, b) => a + b, 0);
  }

  @MessagePattern('stream')
  @Fallback({ value: -1 })
  stream(): Observable<number> {
    return throwError(() => new Error('no stream'));
  }

  @MessagePattern('limited')
  @RateLimit({ limit: 1, per: '1h' })
  limited(): Observable<string> {
    return of('once');
  }

  @EventPattern('noticed')
  @Retry({ maxAttempts: 2, backoff: 'none' })
  async noticed(_data: unknown): Promise<void> {
    if (++noticed.events === 1) throw new Error('not yet');
  }

  @MessagePattern('broken')
  @CircuitBreaker({ name: 'broken', consecutiveFailures: 1, openDuration: '1h' })
  async broken(): Promise<string> {
    throw new Error('inner text');
  }
}

describe('over the TCP transport', () => {
  let app: INestMicroservice;
  let client: ClientProxy;

  beforeAll(async () => {
    const port = await freePort();
    const options = { host: '127.0.0.1', port };
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot()],
      controllers: [MathController],
      providers: [{ provide: APP_FILTER, useClass: ResilienceExceptionFilter }],
    }).compile();
    app = module.createNestMicroservice({ transport: Transport.TCP, options, logger: false });
    await app.listen();
    client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    await client.connect();
  });
  afterAll(async () => {
    await client.close();
    await app.close();
  });
  const ask = (pattern: string, data: unknown = {}): Promise<unknown> => firstValueFrom(client.send(pattern, data));

  it('message handlers are protected, with promises and Observables', async () => {
    await expect(ask('sum', [1, 2, 3])).resolves.toBe(6);
    await expect(ask('stream')).resolves.toBe(-1);
    expect(app.get(ResilienceService).metrics('MathController.sum')).toMatchObject({ retryAttempts: 2, successes: 1 });
  });

  it('event handlers are protected', async () => {
    client.emit('noticed', {}).subscribe();
    await until('both attempts have heard of it', () => noticed.events >= 2);
    expect(noticed.events).toBe(2);
  });

  it('a rejection reaches the caller with its code, and nothing of the inside', async () => {
    await expect(ask('limited')).resolves.toBe('once');
    await expect(ask('limited')).rejects.toMatchObject({ status: 'error', code: 'ERR_RATE_LIMITED', message: 'Too Many Requests' });
    await expect(ask('broken')).rejects.toMatchObject({ message: 'Internal server error' });
    const rejection = await ask('broken').catch((error: unknown) => error);
    expect(rejection).toMatchObject({ status: 'error', code: 'ERR_CIRCUIT_OPEN', message: 'Service Unavailable' });
    expect((rejection as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(3_000_000);
  });

  it('a client is protected by an Observable policy', async () => {
    const resilience = createResilience();
    attempts = 0;
    const policy = policies.combine(policies.retry({ maxAttempts: 2, backoff: 'none' }), policies.timeout('5s'));
    let asked = 0;
    const answer = resilience.executeObservable(policy, () =>
      ++asked === 1 ? client.send('nobody listens', {}) : client.send<number>('sum', [4, 5]),
    );
    await expect(firstValueFrom(answer)).resolves.toBe(9);
    expect(asked).toBe(2);
    void resilience.close();
  });
});
