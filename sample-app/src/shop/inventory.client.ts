import { Injectable } from '@nestjs/common';
import { Attempt, CircuitBreaker, Fallback, Timeout, type AttemptContext } from 'nestjs-bulwark';
import type { Stock } from './order.js';
import { callProvider, InjectProviderUrl } from './provider.js';

/** Asks the provider what is in stock; answers with what it was last told where the provider does not answer. */
@Injectable()
export class InventoryClient {
  private readonly lastKnown = new Map<string, number>();

  constructor(@InjectProviderUrl() private readonly providerUrl: string) {}

  @Fallback('lastKnownStock')
  @CircuitBreaker({ name: 'inventory', consecutiveFailures: 5, openDuration: '1s' })
  @Timeout('1.5s')
  async stockOf(sku: string, @Attempt() attempt?: AttemptContext): Promise<Stock> {
    const { available } = await callProvider<{ available: number }>(`${this.providerUrl}/stock/${sku}`, 'protected', {
      signal: attempt?.signal ?? null,
    });
    this.lastKnown.set(sku, available);
    return { available, stale: false };
  }

  async lastKnownStock(sku: string): Promise<Stock> {
    return { available: this.lastKnown.get(sku) ?? 0, stale: true };
  }
}
