import { Injectable } from '@nestjs/common';
import type { Order, Payment, Stock } from './order.js';
import { callProvider, InjectProviderUrl } from './provider.js';

/** The same calls with nothing around them, to compare with. */
@Injectable()
export class UnprotectedClient {
  constructor(@InjectProviderUrl() private readonly providerUrl: string) {}

  async charge(order: Order): Promise<Payment> {
    const { receipt } = await callProvider<{ receipt: string }>(`${this.providerUrl}/charges/${order.id}`, 'unprotected', {
      method: 'PUT',
      body: JSON.stringify({ amount: order.amount }),
    });
    return { state: 'charged', receipt };
  }

  async stockOf(sku: string): Promise<Stock> {
    const { available } = await callProvider<{ available: number }>(`${this.providerUrl}/stock/${sku}`, 'unprotected');
    return { available, stale: false };
  }
}
