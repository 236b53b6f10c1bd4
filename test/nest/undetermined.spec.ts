import { Injectable } from '@nestjs/common';
import { firstValueFrom, isObservable, lastValueFrom, map, of, throwError, toArray, type Observable } from 'rxjs';
import { Bulkhead, CircuitBreaker, Fallback, Retry, type ResilienceEvent, type ResilienceModuleOptions } from '../../src/index.js';
import { FakeClock } from '../../src/testing/index.js';
import { closeAll, service, start, told } from '../support/nest.js';

afterEach(closeAll);

/** A value of which nobody wrote the type down, as what esbuild and an unwritten return type leave. */
type Both = Observable<unknown> & PromiseLike<unknown>;

async function make<Source>(type: new () => Source, options: ResilienceModuleOptions = {}) {
  const app = await start({ providers: [type as new () => object] }, { logs: false, ...options });
  return { app, instance: app.get<Source>(type) };
}

describe('a method without a known type', () => {
  it('that gives an Observable after it gave a promise says so', async () => {
    @Injectable()
    class Either {
      @Retry(2)
      get(live: boolean) {
        return (live ? of(1) : Promise.resolve(2)) as unknown as Both;
      }
    }
    const { instance } = await make(Either);
    await expect(instance.get(false)).resolves.toBe(2);
    await expect(instance.get(true)).rejects.toThrow(
      'Either.get is protected, and returned an Observable, though it is known to return promises: make two methods of it.',
    );
  });

  it('gives both, while no call has reached it, and what it gives from then on', async () => {
    @Injectable()
    class Feed {
      @CircuitBreaker({ name: 'feed' })
      prices() {
        return of(41, 42) as unknown as Both;
      }
    }
    const { app, instance } = await make(Feed);
    service(app).circuitBreaker('feed').forceOpen();
    const rejection = { code: 'ERR_CIRCUIT_OPEN' };
    await expect(instance.prices()).rejects.toMatchObject(rejection);
    await expect(lastValueFrom(instance.prices().pipe(map((price) => price)))).rejects.toMatchObject(rejection);
    const seen: unknown[] = [];
    instance.prices().subscribe({ error: (error: unknown) => seen.push(error) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([expect.objectContaining(rejection)]);
    service(app).circuitBreaker('feed').close();
    const known = instance.prices();
    expect(isObservable(known)).toBe(true);
    expect('then' in known).toBe(false);
    await expect(lastValueFrom(known.pipe(toArray()))).resolves.toEqual([41, 42]);
  });

  it('is learnt as one that gives promises after a first call that threw before it gave anything', async () => {
    @Injectable()
    class Lookup {
      bad = true;

      @Retry({ maxAttempts: 1 })
      find() {
        if (this.bad) throw new Error('not configured yet');
        return Promise.resolve(43) as unknown as Both;
      }
    }
    const { instance } = await make(Lookup);
    await expect(instance.find()).rejects.toThrow('not configured yet');
    instance.bad = false;
    const known = instance.find();
    expect(known).toBeInstanceOf(Promise);
    await expect(known).resolves.toBe(43);
  });

  it('ends no process where nobody hears a rejection, and tells it', async () => {
    @Injectable()
    class Feed {
      @CircuitBreaker({ name: 'feed' })
      prices() {
        return of(1) as unknown as Both;
      }
    }
    const events: ResilienceEvent[] = [];
    const { warnings, logger } = told();
    const { app, instance } = await make(Feed, {
      logger,
      onEvent: (event) => events.push(event),
    });
    service(app).circuitBreaker('feed').forceOpen();
    instance.prices();
    instance.prices().pipe(map((price) => price));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([expect.stringContaining('what calls Feed.prices neither awaits nor subscribes it')]);
    expect(events.filter(({ type }) => type === 'callback.failed')).toHaveLength(2);
  });

  it('answers by a fallback, be it a value or an Observable, to whoever awaits and to whoever subscribes', async () => {
    @Injectable()
    class Feed {
      @Fallback(() => of(7, 8))
      @CircuitBreaker({ name: 'feed' })
      prices() {
        return of(1) as unknown as Both;
      }

      @Fallback({ value: 9 })
      @CircuitBreaker({ name: 'feed' })
      cached() {
        return of(1) as unknown as Both;
      }
    }
    const { app, instance } = await make(Feed);
    service(app).circuitBreaker('feed').forceOpen();
    await expect(lastValueFrom(instance.prices().pipe(toArray()))).resolves.toEqual([7, 8]);
    expect(isObservable(await instance.prices())).toBe(true);
    await expect(instance.cached()).resolves.toBe(9);
    await expect(firstValueFrom(instance.cached())).resolves.toBe(9);
  });

  it('that had to wait or to be tried again gives its Observable to whoever subscribes, each subscription being a call', async () => {
    @Injectable()
    class Feed {
      calls = 0;

      @Retry({ maxAttempts: 2, backoff: '1s' })
      prices() {
        if (++this.calls === 1) throw new Error('not yet');
        return of(this.calls, 42) as unknown as Both;
      }
    }
    const clock = new FakeClock();
    const { instance } = await make(Feed, { clock, random: () => 1 });
    const both = instance.prices();
    const values = lastValueFrom(both.pipe(toArray()));
    await clock.advance('2s');
    await expect(values).resolves.toEqual([2, 42]);
    await expect(lastValueFrom(both.pipe(toArray()))).resolves.toEqual([3, 42]);
  });

  it('gives the place in a queue back where its only subscriber has gone', async () => {
    @Injectable()
    class Feed {
      @Bulkhead({ name: 'feed', maxConcurrent: 1, maxQueue: 5 })
      prices() {
        return of(1) as unknown as Both;
      }
    }
    const { app, instance } = await make(Feed);
    const bulkhead = service(app).bulkhead('feed');
    const permit = await bulkhead.acquire();
    const subscription = instance.prices().subscribe();
    expect(bulkhead.queued).toBe(1);
    subscription.unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(bulkhead.queued).toBe(0);
    permit.release();
    await expect(lastValueFrom(instance.prices())).resolves.toBe(1);
  });

  it('keeps what was learnt apart from the errors of an Observable', async () => {
    @Injectable()
    class Feed {
      @CircuitBreaker({ name: 'feed' })
      prices() {
        return throwError(() => new Error('upstream')) as unknown as Both;
      }
    }
    const { instance } = await make(Feed);
    await expect(lastValueFrom(instance.prices())).rejects.toThrow('upstream');
    expect('then' in instance.prices()).toBe(false);
  });
});
