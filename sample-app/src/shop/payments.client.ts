import { Injectable } from '@nestjs/common';
import { Attempt, Bulkhead, CircuitBreaker, Fallback, RateLimit, Retry, Timeout, type AttemptContext } from 'nestjs-bulwark';
import type { Order, Payment } from './order.js';
import { callProvider, InjectProviderUrl } from './provider.js';

/** One breaker for all that asks this provider for money: what one call learns, the others know. */
const PAYMENTS = {
  name: 'payments',
  window: '2s',
  minimumCalls: 10,
  failureRateThreshold: 0.7,
  openDuration: '1s',
  halfOpenCalls: 2,
} as const;

/** Charges orders at the provider. All six policies; where nothing helps, the charge is queued and made later. */
@Injectable()
export class PaymentsClient {
  /** Charges to be made later. A real shop would have them in a durable queue. */
  readonly queue: Order[] = [];

  constructor(@InjectProviderUrl() private readonly providerUrl: string) {}

  @Fallback('queueForLater')
  @Retry({ maxAttempts: 3, backoff: { initialDelay: '40ms', maxDelay: '200ms' } })
  @CircuitBreaker(PAYMENTS)
  @RateLimit({ limit: 200, per: '1s' })
  @Timeout({ duration: '1.5s', total: '2.5s' })
  @Bulkhead({ maxConcurrent: 30, maxQueue: 50, queueTimeout: '300ms' })
  async charge(order: Order, @Attempt() attempt?: AttemptContext): Promise<Payment> {
    return this.send(order, attempt);
  }

  /** Charges an order of the queue: nobody waits for it, so it is neither retried nor queued again, and leaves room for customers. */
  @CircuitBreaker(PAYMENTS)
  @RateLimit({ limit: 150, per: '1s', maxWait: '1s' })
  @Timeout('1.5s')
  async collect(order: Order, @Attempt() attempt?: AttemptContext): Promise<Payment> {
    return this.send(order, attempt);
  }

  async queueForLater(order: Order): Promise<Payment> {
    this.queue.push(order);
    return { state: 'queued' };
  }

  /** Sending it twice is safe, because the provider knows the order by its id and charges it once. */
  private async send(order: Order, attempt: AttemptContext | undefined): Promise<Payment> {
    const { receipt } = await callProvider<{ receipt: string }>(`${this.providerUrl}/charges/${order.id}`, 'protected', {
      method: 'PUT',
      body: JSON.stringify({ amount: order.amount }),
      signal: attempt?.signal ?? null,
    });
    return { state: 'charged', receipt };
  }
}
