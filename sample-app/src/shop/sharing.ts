import type { DynamicModule } from '@nestjs/common';
import type { ResilienceModuleOptions } from 'nestjs-bulwark';
import { ResilienceRedisModule } from 'nestjs-bulwark/redis';

/** What several shops share where `REDIS_URL` says by which Redis: an operator's word, not one of the code. */
export const SHARED: NonNullable<ResilienceModuleOptions['overrides']> = {
  payments: { circuitBreaker: { shared: true, halfOpenCalls: 1, successThreshold: 3, halfOpenTimeout: '2s' } },
  vouchers: { rateLimit: { shared: 'exact' } },
};

/** Brings the store; nothing where there is one shop. */
export function storeOf(url: string | undefined): DynamicModule[] {
  return url === undefined ? [] : [ResilienceRedisModule.register({ url, group: 'shop', expectedInstances: 3 })];
}
