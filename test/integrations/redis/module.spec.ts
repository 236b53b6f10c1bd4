import { afterAll, beforeAll } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Bulkhead, ResilienceModule, ResilienceService } from '../../../src/index.js';
import { ResilienceRedisModule } from '../../../src/integrations/redis/index.js';
import { ResilienceHealthModule, ResilienceHealthIndicator } from '../../../src/integrations/terminus/index.js';
import { ResilienceTestingModule } from '../../../src/testing/nest.js';
import { sharedStoreOf } from '../../../src/policies/shared-store.js';
import { startRedis, startTcpProxy, type RedisServer } from '../../support/redis/index.js';
import { until } from '../../support/until.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

@Injectable()
class Payments {
  @Bulkhead({ name: 'payments', maxConcurrent: 2, shared: true })
  charge(): Promise<string> {
    return Promise.resolve('charged');
  }
}

const redis = (group = 'shop', url = server.url) => ResilienceRedisModule.register({ url, group, commandTimeout: '1s' });
const quiet = { logs: false, logger: { warn: () => undefined, error: () => undefined } };

describe('ResilienceRedisModule', () => {
  it.each([
    ['behind', () => [ResilienceModule.forRoot(quiet), redis()]],
    ['before', () => [redis(), ResilienceModule.forRoot(quiet)]],
    [
      'with asynchronous options',
      () => [
        ResilienceRedisModule.registerAsync({ useFactory: () => Promise.resolve({ url: server.url, group: 'shop' }) }),
        ResilienceModule.forRoot(quiet),
      ],
    ],
  ])('brings the store, %s ResilienceModule', async (_where, imports) => {
    const module = await Test.createTestingModule({ imports: imports(), providers: [Payments] }).compile();
    await module.init();
    const store = sharedStoreOf(module.get(ResilienceService).environment);
    expect(store?.availability.isAvailable).toBe(true);
    expect(await module.get(Payments).charge()).toBe('charged');
    await module.close();
    await until('no connection is left', async () => !((await server.command('CLIENT', 'LIST')) as string).includes('cmd=evalsha'));
  });

  it('serves two applications in one process, each with a connection of its own', async () => {
    const modules = await Promise.all(
      ['shop', 'depot'].map((group) => Test.createTestingModule({ imports: [ResilienceModule.forRoot(quiet), redis(group)] }).compile()),
    );
    await Promise.all(modules.map((module) => module.init()));
    const stores = modules.map((module) => sharedStoreOf(module.get(ResilienceService).environment)!);
    expect(stores.map(({ settings }) => settings.group)).toEqual(['shop', 'depot']);
    await modules[0]!.close();
    expect(stores[1]!.availability.isAvailable).toBe(true);
    await modules[1]!.close();
  });

  it('tells every mistake at the start, by the name that was used', async () => {
    const imports = [ResilienceModule.forRoot(quiet), ResilienceRedisModule.register({ group: 'a b', url: 'x' })];
    await expect(Test.createTestingModule({ imports }).compile()).rejects.toThrow(/ResilienceRedisModule\.register: group .*\n.*url/);
  });

  it('is not needed in unit tests, which have a store of their own', async () => {
    const module = await Test.createTestingModule({ imports: [ResilienceTestingModule.on(), redis()], providers: [Payments] }).compile();
    await module.init();
    expect(sharedStoreOf(module.get(ResilienceService).environment)?.settings.group).toBe('test');
    expect(await module.get(Payments).charge()).toBe('charged');
    await module.close();
  });

  it('shows the store in health and in metrics', async () => {
    const proxy = await startTcpProxy(server);
    const imports = [ResilienceModule.forRoot(quiet), redis('shop', proxy.url), ResilienceHealthModule];
    const module = await Test.createTestingModule({ imports, providers: [HealthIndicatorService] }).compile();
    await module.init();
    const resilience = module.get(ResilienceService);
    const health = module.get(ResilienceHealthIndicator);
    const read = (metric: string) =>
      resilience
        .collect()
        .find(({ name }) => name === metric)!
        .series.map(({ value }) => value);
    expect(health.store('store')).toMatchObject({ store: { status: 'up', shop: { state: 'available', onStoreFailure: 'local' } } });
    expect([read('store_up'), read('shared_state_degraded')]).toEqual([[1], [0]]);
    expect(read('store_requests_total').length).toBeGreaterThan(0);
    proxy.cut();
    await until('it is known', () => read('store_up')[0] === 0);
    expect(read('shared_state_degraded')).toEqual([1]);
    expect(health.store('store')).toMatchObject({ store: { status: 'degraded', shop: { state: 'unavailable' } } });
    expect(health.store('store', { unavailableIs: 'down' })).toMatchObject({ store: { status: 'down' } });
    expect(() => health.store('store', { unavailableIs: 'gone' as never })).toThrow('unavailableIs must be');
    await module.close();
    await proxy.stop();
  });
});
