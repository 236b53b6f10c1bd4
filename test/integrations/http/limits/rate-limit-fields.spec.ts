import type { HttpServer } from '@nestjs/common';
import { tellLimits } from '../../../../src/integrations/http/limits/rate-limit-fields.js';
import { createResilience, type RateLimitOptions } from '../../../../src/index.js';
import { FakeClock } from '../../../../src/testing/index.js';

/** What ends up on an answer that several limits are told on. */
function fields(...limits: readonly (RateLimitOptions & { name: string; used?: number })[]): { policy: string; state: string } {
  const resilience = createResilience({ clock: new FakeClock() });
  const headers: Record<string, string> = {};
  const adapter = {
    isHeadersSent: () => false,
    setHeader: (_response: object, name: string, value: string) => void (headers[name] = value),
  } as unknown as HttpServer;
  const response = {};
  for (const { used = 0, ...options } of limits) {
    const limiter = resilience.rateLimiter(options.name, options);
    for (let count = 0; count < used; count++) limiter.tryAcquire();
    tellLimits(adapter, response, [{ name: options.name, limiter, key: undefined }]);
  }
  return { policy: headers['RateLimit-Policy']!, state: headers['RateLimit']! };
}

describe('the fields RateLimit-Policy and RateLimit', () => {
  it('are lists with an item for each limit, the latest word for one that is told twice', () => {
    const hour = { name: 'hour', limit: 100, per: '1h' } as const;
    expect(fields({ name: 'second', limit: 5, used: 1 }, { ...hour, used: 1 }, { ...hour, used: 1 })).toEqual({
      policy: '"second";q=5;w=1, "hour";q=100;w=3600',
      state: '"second";r=4;t=1, "hour";r=98;t=72',
    });
  });

  it('give the burst of a token bucket as its quota, and the time in which that comes back as its window', () => {
    expect(fields({ name: 'a', limit: 10, per: '1s', burst: 50, used: 10 })).toEqual({ policy: '"a";q=50;w=5', state: '"a";r=40;t=1' });
  });

  it('leave a window out that is shorter than the whole seconds they have', () => {
    expect(fields({ name: 'a', limit: 10, per: '100ms', used: 1 })).toEqual({ policy: '"a";q=10', state: '"a";r=9;t=1' });
    expect(fields({ name: 'a', limit: 10, per: '1500ms' }).policy).toBe('"a";q=10;w=2');
  });

  it.each(['fixed-window', 'sliding-window'] as const)('give what is left of a %s', (algorithm) => {
    const { policy, state } = fields({ name: 'a', limit: 3, per: '2s', algorithm, used: 2 });
    expect(policy).toBe('"a";q=3;w=2');
    expect(state).toMatch(algorithm === 'fixed-window' ? /^"a";r=1;t=2$/ : /^"a";r=1;t=4$/);
  });

  it.each([
    ['Suche → Index', '"Suche %E2%86%92 Index"'],
    ['für alle', '"f%C3%BCr alle"'],
    ['a\nb', '"a%0Ab"'],
    ['say "hi" \\ bye', String.raw`"say \"hi\" \\ bye"`],
    ['half of a pair \ud83d', '"half of a pair %EF%BF%BD"'],
  ])('write the name %j as a string of RFC 9651', (name, written) => {
    expect(fields({ name, limit: 1 }).policy).toBe(`${written};q=1;w=1`);
  });
});
