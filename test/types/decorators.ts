/**
 * What must compile, and what must not: checked by `tsc` (each `@ts-expect-error` fails where there is no error).
 */
import type { Observable } from 'rxjs';
import {
  Attempt,
  Bulkhead,
  CircuitBreaker,
  Fallback,
  policies,
  RateLimit,
  Resilience,
  ResilienceModule,
  Retry,
  Timeout,
  createResilience,
  type AttemptContext,
  type BulkheadOptions,
  type CircuitBreakerOptions,
  type Duration,
  type Policy,
  type RateLimitOptions,
  type RetryOptions,
  type TimeoutOptions,
} from '../../src/index.js';

interface Order {
  readonly tenant: string;
}
interface Receipt {
  readonly ok: boolean;
}

/** Several of a kind, told apart by their names; and an order of some of them. */
export class Several {
  @Resilience({ order: ['totalTimeout', 'fallback'] })
  @RateLimit({ name: 'tenant', limit: 10, key: (order: Order) => order.tenant })
  @RateLimit({ name: 'overall', limit: 100 })
  @CircuitBreaker({ name: 'host' })
  @CircuitBreaker({ name: 'route' })
  @Bulkhead({ name: 'wide', maxConcurrent: 10 })
  @Bulkhead(2)
  charge(order: Order): Promise<Receipt> {
    return Promise.resolve({ ok: order.tenant !== '' });
  }

  // @ts-expect-error no place of that name
  @Resilience({ order: ['totalTime'] })
  misspelt(): Promise<void> {
    return Promise.resolve();
  }
}

/** Constants that many methods share. */
const shared: {
  readonly breaker: CircuitBreakerOptions;
  readonly retry: RetryOptions;
  readonly timeout: TimeoutOptions;
  readonly limit: RateLimitOptions;
  readonly bulkhead: BulkheadOptions;
} = { breaker: { window: '10s' }, retry: {}, timeout: { duration: '1s' }, limit: { limit: 2 }, bulkhead: {} };

export class Sharing {
  @Retry(shared.retry)
  @CircuitBreaker(shared.breaker)
  @RateLimit(shared.limit)
  @Timeout(shared.timeout)
  @Bulkhead(shared.bulkhead)
  async charge(_order: Order, _amount?: number): Promise<Receipt> {
    return { ok: true };
  }

  @Retry(shared.retry)
  @CircuitBreaker(shared.breaker)
  @RateLimit(shared.limit)
  @Bulkhead(shared.bulkhead)
  async without(): Promise<void> {}
}

export class Good {
  @Fallback('later')
  @Retry({ onResult: (receipt: Receipt) => !receipt.ok })
  @CircuitBreaker({ key: (order: Order) => order.tenant })
  @RateLimit({ limit: 5, key: (order: Order) => order.tenant, cost: (_order: Order, amount: number) => amount })
  @Timeout({ duration: '2s', discard: (receipt: Receipt) => void receipt.ok })
  @Bulkhead({ maxQueue: 5, priority: () => 1 })
  async charge(_order: Order, _amount: number, @Attempt() _attempt?: AttemptContext): Promise<Receipt> {
    return { ok: true };
  }

  async later(_order: Order, _amount: number, _error: unknown): Promise<Receipt> {
    return { ok: false };
  }

  @Fallback((_error: unknown, order: Order) => ({ ok: order.tenant === '' }))
  @Fallback({ value: { ok: false } })
  @Fallback(async () => ({ ok: false }))
  async withFunction(_order: Order): Promise<Receipt> {
    return { ok: true };
  }

  @Retry(3)
  @CircuitBreaker(5, '30s')
  @Resilience('preset')
  @Resilience(policies.combine(policies.timeout('1s'), policies.bulkhead(5)))
  @Resilience({ order: 'declared' })
  stream(): Observable<number> {
    throw new Error('only compiled');
  }
}

@Retry(3)
@Fallback('fallback')
export class GoodClass {
  async fallback(): Promise<void> {}
}

export class Bad {
  // @ts-expect-error only methods that return a Promise or an Observable
  @Retry(3)
  plain(): number {
    return 1;
  }

  // @ts-expect-error there is no such method
  @Fallback('nowhere')
  async missing(): Promise<void> {}

  // @ts-expect-error a private method is no fallback
  @Fallback('hidden')
  async usesHidden(): Promise<void> {}

  private async hidden(): Promise<void> {}

  // @ts-expect-error no method
  @Fallback('field')
  async usesField(): Promise<void> {
    await this.hidden();
  }

  field = 5;

  // @ts-expect-error the key function takes other arguments
  @CircuitBreaker({ key: (order: Order) => order.tenant })
  async otherArguments(_id: number): Promise<void> {}

  // @ts-expect-error the method gives another result
  @Retry({ onResult: (receipt: Receipt) => receipt.ok })
  async otherResult(): Promise<string> {
    return '';
  }

  // @ts-expect-error the fallback gives something else
  @Fallback(() => 5)
  async otherFallback(): Promise<string> {
    return '';
  }

  // @ts-expect-error a unit that there is not
  @Timeout('5sec')
  async unit(): Promise<void> {}

  // @ts-expect-error an option that there is not
  @Retry({ maxAttempt: 3 })
  async option(): Promise<void> {}

  // @ts-expect-error limit is required
  @RateLimit({})
  async limit(): Promise<void> {}

  // @ts-expect-error an algorithm that there is not
  @RateLimit({ limit: 5, algorithm: 'bucket' })
  async algorithm(): Promise<void> {}

  // @ts-expect-error the list of an order has kinds
  @Resilience({ order: ['retries'] })
  async order(): Promise<void> {}
}

// @ts-expect-error a preset must be a policy
ResilienceModule.forRoot({ presets: { a: { kind: 'nothing' } } });
// @ts-expect-error a duration has a unit
export const duration: Duration = '10';

const resilience = createResilience({ defaults: { retry: { maxAttempts: 2 } }, presets: { a: policies.retry(2) } });
export const result: Promise<number> = resilience.execute(policies.retry(2), async () => 5);
// @ts-expect-error the result is that of the task
export const wrong: Promise<string> = resilience.execute(policies.retry(2), async () => 5);
export const wrapped: (a: string, b: number) => Promise<boolean> = resilience.wrap(policies.none(), (a: string, b: number) => a.length > b);
export const breaker: CircuitBreaker = resilience.circuitBreaker('payments');
export const bulkhead: Bulkhead = resilience.bulkhead('payments');
export const policy: Policy = policies.combine(policies.combine(policies.retry(2)), policies.none());
resilience.events$.subscribe((event) => {
  if (event.type === 'circuit-breaker.opened') void event.failures;
  // @ts-expect-error a figure of another event
  if (event.type === 'circuit-breaker.closed') void event.failures;
});
export const count: number = resilience.metrics().total.circuitBreakerTrips;
