import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Controller, Get } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { RateLimitGuard, ResilienceExceptionFilter, RouteRateLimit, SkipRateLimit } from '../../../src/integrations/http/index.js';
import { ResilienceModule } from '../../../src/index.js';
import { FakeClock } from '../../../src/testing/index.js';

const MINUTE = 60_000;

@Controller()
class ShopController {
  @Get('items')
  items(): string {
    return 'items';
  }

  @Get('orders')
  orders(): string {
    return 'orders';
  }

  @RouteRateLimit({ limit: 2, per: '1m', algorithm: 'sliding-window' })
  @Get('login')
  login(): string {
    return 'login';
  }

  @SkipRateLimit()
  @Get('health')
  health(): string {
    return 'up';
  }
}

@SkipRateLimit()
@Controller('inside')
class InsideController {
  @Get('free')
  free(): string {
    return 'free';
  }

  @SkipRateLimit(false)
  @Get('limited')
  limited(): string {
    return 'limited';
  }
}

/** A client asks for something, or milliseconds go by. */
type Step = readonly [path: string, from: string] | number;

/** What is compared: the class name that Throttler puts in front of the text of a 429 is not, nor when to come again to the second. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly remaining: number | undefined;
  readonly comesAgain: boolean;
}

function answerOf(status: number, text: string, remaining: string | null | undefined, retryAfter: string | null | undefined): Answer {
  const passed = status !== 429;
  return {
    status,
    text: passed ? text : '',
    remaining: passed && typeof remaining === 'string' ? Number(remaining) : undefined,
    comesAgain: Number(retryAfter) > 0,
  };
}

/** In a process of its own, see there. */
async function withThrottler(limit: number, ttl: number, script: readonly Step[]): Promise<readonly Answer[]> {
  const fixture = new URL('fixtures/throttled.mjs', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [fixture, JSON.stringify({ limit, ttl, script })]);
  const answers = JSON.parse(stdout) as { status: number; text: string; remaining: string | null; retryAfter: string | null }[];
  return answers.map(({ status, text, remaining, retryAfter }) => answerOf(status, text, remaining, retryAfter));
}

async function withBulwark(limit: number, ttl: number, script: readonly Step[]): Promise<readonly Answer[]> {
  const clock = new FakeClock();
  const module = await Test.createTestingModule({
    imports: [ResilienceModule.forRoot({ clock, logs: false })],
    controllers: [ShopController, InsideController],
    providers: [
      { provide: APP_GUARD, useClass: RateLimitGuard.of({ limits: { limit, per: ttl, algorithm: 'sliding-window' } }) },
      { provide: APP_FILTER, useClass: ResilienceExceptionFilter },
    ],
  }).compile();
  const app = module.createNestApplication<NestExpressApplication>({ logger: false });
  app.set('trust proxy', 1);
  await app.listen(0);
  const answers: Answer[] = [];
  for (const step of script) {
    if (typeof step === 'number') {
      await clock.advance(step);
      continue;
    }
    const { status, text, headers } = await request(app.getHttpServer()).get(step[0]).set('X-Forwarded-For', step[1]);
    const { ratelimit, 'retry-after': retryAfter } = headers as Record<string, string | undefined>;
    answers.push(answerOf(status, text, /;r=(\d+)/.exec(ratelimit ?? '')?.[1], retryAfter));
  }
  await app.close();
  return answers;
}

async function both(limit: number, ttl: number, script: readonly Step[]): Promise<[readonly Answer[], readonly Answer[]]> {
  return Promise.all([withThrottler(limit, ttl, script), withBulwark(limit, ttl, script)]);
}

const times = (count: number, path: string, from: string | ((index: number) => string) = '10.0.0.1'): readonly Step[] =>
  Array.from({ length: count }, (_, index) => [path, typeof from === 'string' ? from : from(index)] as const);
const statuses = (answers: readonly Answer[]): readonly number[] => answers.map(({ status }) => status);

describe('beside @nestjs/throttler, on the same traffic', () => {
  it('gives the same answers: clients, routes, limits of their own, what is skipped, and when the time is over', async () => {
    const [theirs, ours] = await both(4, MINUTE, [
      ...times(6, '/items'),
      ...times(2, '/items', '10.0.0.2'),
      ...times(6, '/orders'),
      ...times(3, '/login'),
      ...times(7, '/health'),
      ...times(7, '/inside/free'),
      ...times(6, '/inside/limited'),
      ...times(6, '/items', (index) => `2001:db8:1:2::${index + 1}`),
      ...times(2, '/items', (index) => `2001:db8:1:${index + 3}::1`),
      ...times(6, '/items', (index) => (index % 2 === 0 ? '::ffff:10.0.0.7' : '10.0.0.7')),
      ...times(6, '/items', (index) => `6.6.6.${index}, 10.0.0.8`),
      2 * MINUTE,
      ...times(6, '/items'),
      ...times(3, '/login'),
    ]);
    expect(ours).toEqual(theirs);
    expect(statuses(ours).filter((status) => status === 429)).toHaveLength(16);
  });

  it('lets the limit through where a fixed window lets nearly twice as much', async () => {
    const script = [...times(1, '/items'), 900, ...times(9, '/items'), 150, ...times(10, '/items')];
    let now = 0;
    const at: number[] = [];
    for (const step of script) {
      if (typeof step === 'number') now += step;
      else at.push(now);
    }
    for (const answers of await both(10, 1000, script)) {
      const passed = at.filter((_, index) => answers[index]!.status === 200);
      const inWindowFrom = (from: number): number => passed.filter((time) => time >= from && time < from + 1000).length;
      expect(Math.max(...passed.map(inWindowFrom))).toBe(10);
    }
  });

  it('has no block: who asked too often is let in as its requests grow old, where Throttler waits for the whole time again', async () => {
    const [theirs, ours] = await both(4, MINUTE, [...times(4, '/items'), 55_000, ...times(1, '/items'), 50_000, ...times(1, '/items')]);
    expect(statuses(theirs)).toEqual([200, 200, 200, 200, 429, 429]);
    expect(statuses(ours)).toEqual([200, 200, 200, 200, 429, 200]);
  });
});
