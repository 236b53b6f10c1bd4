/** What must compile of listeners, and what must not. */
import { createResilience, OnResilienceEvent, type CircuitBreakerEvent, type EventOf, type ResilienceEvent } from '../../src/index.js';

export class Listeners {
  @OnResilienceEvent('circuit-breaker.opened')
  one({ failures, lastError }: EventOf<'circuit-breaker.opened'>): void {
    void [failures, lastError];
  }

  @OnResilienceEvent('circuit-breaker.*')
  async group({ policyName }: CircuitBreakerEvent): Promise<string> {
    return policyName;
  }

  @OnResilienceEvent(['retry.scheduled', 'timeout.exceeded'], { name: 'payments' })
  several(event: EventOf<'retry.scheduled' | 'timeout.exceeded'>): number {
    return event.attempt;
  }

  @OnResilienceEvent('*')
  all(event: ResilienceEvent): string {
    return event.type;
  }

  @OnResilienceEvent('fallback.served')
  nothing(): void {}

  // @ts-expect-error a type of event that there is not
  @OnResilienceEvent('circuit-breaker.openned')
  misspelt(): void {}

  // @ts-expect-error a group that there is not
  @OnResilienceEvent('breaker.*')
  group2(): void {}

  // @ts-expect-error events are objects
  @OnResilienceEvent('retry.exhausted')
  wrong(event: string): string {
    return event;
  }
}

const resilience = createResilience();
export const stop: () => void = resilience.on('rate-limit.rejected', ({ key, cost }) => void [key, cost]);
// @ts-expect-error a figure of another event
resilience.on('rate-limit.rejected', ({ failures }) => void failures);

const hub = createResilience().environment.events;
hub.emit<Extract<ResilienceEvent, { type: 'retry.scheduled' }>>('retry.scheduled', undefined, {
  policyName: 'x',
  attempt: 1,
  error: undefined,
  delayMs: 5,
});
// @ts-expect-error whoever emits says which event it is
hub.emit('retry.scheduled', undefined, {});
// @ts-expect-error a fact is missing
hub.emit<CircuitBreakerEvent & { type: 'circuit-breaker.rejected' }>('circuit-breaker.rejected', undefined, { policyName: 'x' });
