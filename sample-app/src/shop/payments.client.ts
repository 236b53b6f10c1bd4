import { Injectable } from '@nestjs/common';
import { Attempt, Bulkhead, CircuitBreaker, Fallback, RateLimit, Retry, Timeout, type AttemptContext } from 'nestjs-bulwark';
import type { Order, Payment } from './order.js';
import { callProvider, InjectProviderUrl } from './provider.js';

/** Charges orders at the provider. All six policies; where nothing helps, the charge is queued and made later. */
@Injectable()
export class PaymentsClient {
  /** Charges to be made later. A real shop would have them in a durable queue. */
  readonly queue: Order[] = [];

  constructor(@InjectProviderUrl() private readonly providerUrl: string) {}

  @Fallback('queueForLater')
  @Retry({ maxAttempts: 3, backoff: { initialDelay: '40ms', maxDelay: '200ms' } })
  @CircuitBreaker({ name: 'payments', window: '3s', minimumCalls: 10, failureRateThreshold: 0.5, openDuration: '800ms', halfOpenCalls: 2 })
  @RateLimit({ limit: 200, per: '1s' })
  @Timeout({ duration: '300ms', total: '1s' })
  @Bulkhead({ maxConcurrent: 20, maxQueue: 50 })
  async charge(order: Order, @Attempt() attempt?: AttemptContext): Promise<Payment> {
    // Retrying a charge is safe, because the provider knows the order by its id and charges it once.
    const { receipt } = await callProvider<{ receipt: string }>(`${this.providerUrl}/charges/${order.id}`, 'protected', {
      method: 'PUT',
      body: JSON.stringify({ amount: order.amount }),
      ...(attempt === undefined ? {} : { signal: attempt.signal }),
    });
    return { state: 'charged', receipt };
  }

  async queueForLater(order: Order): Promise<Payment> {
    this.queue.push(order);
    if (this.queue.length > 10_000) this.queue.shift();
    return { state: 'queued' };
  }
}
