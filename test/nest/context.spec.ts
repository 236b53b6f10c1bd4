import { AsyncLocalStorage } from 'node:async_hooks';
import { lastValueFrom, NEVER, Observable, of } from 'rxjs';
import { createResilience, policies, type Policy } from '../../src/core.js';
import { FakeClock } from '../../src/testing/index.js';

const storage = new AsyncLocalStorage<number>();

/** Runs calls of many requests at a time, and notes where one of them finds itself in the context of another. */
class Requests {
  readonly clock = new FakeClock();
  readonly resilience = createResilience({ clock: this.clock, random: () => 0.5 });
  readonly strays: string[] = [];

  check(place: string, request: unknown): void {
    const found = storage.getStore();
    if (found !== request) this.strays.push(`${place} of request ${String(request)} in ${String(found)}`);
  }

  async all(policy: Policy, attempt: (request: number, attempt: number) => Promise<unknown>): Promise<void> {
    const calls = Array.from({ length: 12 }, (_, request) =>
      storage.run(request, async () => {
        try {
          await this.resilience.execute(
            policy,
            ({ attempt: number }) => {
              this.check(`attempt ${number}`, request);
              return attempt(request, number);
            },
            { name: 'op', args: [request] },
          );
        } catch {
          this.check('error', request);
          return;
        }
        this.check('result', request);
      }),
    );
    await this.clock.advance('10s');
    await Promise.all(calls);
  }

  /** Ends an attempt after a while, in a context that is nobody's. */
  later(milliseconds: number, fails = false): Promise<unknown> {
    return new Promise((resolve, reject) => {
      storage.exit(() => this.clock.setTimer(() => (fails ? reject(new Error('no')) : resolve('ok')), milliseconds));
    });
  }
}

describe('the async context of a request', () => {
  it('stays through the waits of a bulkhead, whoever frees the place', async () => {
    const requests = new Requests();
    await requests.all(policies.bulkhead({ maxConcurrent: 2, maxQueue: 100 }), (request) => requests.later(10 + request));
    expect(requests.strays).toEqual([]);
  });

  it('stays through retries, their pauses and hooks', async () => {
    const requests = new Requests();
    const policy = policies.retry({ maxAttempts: 5, backoff: { initialDelay: 10 }, onRetry: () => undefined });
    await requests.all(policy, (request, attempt) => requests.later(5, attempt < 1 + (request % 5)));
    expect(requests.strays).toEqual([]);
  });

  it('stays through the waits of a rate limit', async () => {
    const requests = new Requests();
    await requests.all(policies.rateLimit({ limit: 10, burst: 1, per: '1s', maxWait: '10s' }), () => requests.later(5));
    expect(requests.strays).toEqual([]);
  });

  it('stays through time limits that share a timer, and the fallbacks after them', async () => {
    const requests = new Requests();
    const policy = policies.combine(
      policies.fallback({
        tiers: [
          async (_error: unknown, request: unknown) => {
            requests.check('fallback', request);
            await requests.later(5);
            requests.check('fallback, later', request);
            return 'instead';
          },
        ],
      }),
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.timeout(50),
    );
    await requests.all(policy, () => new Promise(() => undefined));
    expect(requests.strays).toEqual([]);
  });

  it('stays in an Observable that a shared timer cuts off', async () => {
    const requests = new Requests();
    const policy = policies.combine(
      policies.fallback({
        tiers: [
          (_error: unknown, request: unknown) => {
            requests.check('fallback', request);
            return of('instead');
          },
        ],
      }),
      policies.retry({ maxAttempts: 2, backoff: 'none' }),
      policies.timeout(50),
    );
    const calls = Array.from({ length: 6 }, (_, request) =>
      storage.run(request, async () => {
        const attempt = () => {
          requests.check('attempt', request);
          return NEVER as Observable<string>;
        };
        await lastValueFrom(requests.resilience.executeObservable(policy, attempt, { name: 'stream', args: [request] }));
        requests.check('result', request);
      }),
    );
    await requests.clock.advance('1s');
    await Promise.all(calls);
    expect(requests.strays).toEqual([]);
  });
});
