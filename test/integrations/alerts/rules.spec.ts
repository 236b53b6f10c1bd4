import { Injectable, type INestApplication } from '@nestjs/common';
import {
  onBulkheadUse,
  onCondition,
  onErrorRate,
  onEvent,
  onFrequentClient,
  onOpenCircuit,
  onRejectionRate,
  ResilienceAlertsModule,
  type Alert,
  type AlertChannel,
  type AlertRule,
} from '../../../src/integrations/alerts/index.js';
import { Bulkhead, CircuitBreaker, RateLimit, ResilienceService } from '../../../src/index.js';
import { FakeClock } from '../../../src/testing/index.js';
import { closeAll, service, start, told } from '../../support/nest.js';

@Injectable()
class Shop {
  works = false;

  @CircuitBreaker({ name: 'shop', consecutiveFailures: 2, openDuration: '10s' })
  async buy(): Promise<string> {
    if (!this.works) throw new Error('closed');
    return 'bought';
  }

  @CircuitBreaker({ name: 'tenants', consecutiveFailures: 1, openDuration: '10s', key: (tenant: string) => tenant })
  async load(tenant: string): Promise<string> {
    throw new Error(`no ${tenant}`);
  }

  @RateLimit({ name: 'api', limit: 1, per: '1h', key: (client: string) => client })
  async ask(_client: string): Promise<string> {
    return 'answer';
  }

  async plain(fails: boolean): Promise<void> {
    if (fails) throw new Error('no');
  }

  @Bulkhead({ name: 'desk', maxConcurrent: 2 })
  async wait(): Promise<void> {
    return new Promise((resolve) => void this.finish.push(resolve));
  }

  readonly finish: (() => void)[] = [];
}

let app: INestApplication;
let shop: Shop;
let clock: FakeClock;
let alerts: Alert[];
const short = (): string[] => alerts.splice(0).map(({ rule, status, subject }) => `${rule} ${status} ${subject}`);

const list = (): AlertChannel => ({ name: 'list', send: (alert) => void alerts.push(alert) });

async function begin(...rules: AlertRule[]): Promise<void> {
  clock = new FakeClock();
  alerts = [];
  app = await start(
    { imports: [ResilienceAlertsModule.register({ rules, channels: [list()], every: '1s' })], providers: [Shop] },
    { clock, logs: false },
  );
  shop = app.get(Shop);
}
afterEach(closeAll);

const quietly = async (work: Promise<unknown>): Promise<void> => void (await work.catch(() => undefined));

describe('a rule on open circuits', () => {
  it('tells of the opening and of the recovery, each key on its own', async () => {
    await begin(onOpenCircuit({ name: 'circuits', severity: 'critical' }));
    await quietly(shop.buy());
    expect(short()).toEqual([]);
    await quietly(shop.buy());
    expect(alerts).toMatchObject([{ severity: 'critical', suppressed: 0, since: '2026-01-01T00:00:00.000Z' }]);
    expect(alerts[0]!.summary).toContain('Circuit breaker "shop" opened');
    await quietly(shop.load('a'));
    await quietly(shop.load('b'));
    expect(short()).toEqual(['circuits firing shop', 'circuits firing tenants "a"', 'circuits firing tenants "b"']);
    shop.works = true;
    await clock.advance('10s');
    await shop.buy();
    expect(short()).toEqual(['circuits resolved shop']);
  });

  it('says nothing of a second opening within the quiet period, but of one that lasts beyond it', async () => {
    await begin(onOpenCircuit({ name: 'circuits', repeatInterval: '1m', policy: 'shop' }));
    const fail = async () => {
      shop.works = false;
      await quietly(shop.buy());
      await quietly(shop.buy());
    };
    const recover = async () => {
      shop.works = true;
      await clock.advance('10s');
      await shop.buy();
    };
    await fail();
    await recover();
    expect(short()).toEqual(['circuits firing shop', 'circuits resolved shop']);
    await fail();
    await recover();
    await fail();
    expect(short()).toEqual([]);
    await clock.advance('1m');
    expect(alerts).toMatchObject([{ status: 'firing', suppressed: 2 }]);
    short();
    await recover();
    expect(short()).toEqual(['circuits resolved shop']);
  });
});

describe('a rule on open circuits and what is done by hand', () => {
  it.each(['close', 'reset', 'disable', 'metricsOnly'] as const)('is over after %s()', async (how) => {
    await begin(onOpenCircuit({ name: 'circuits' }));
    const breaker = service(app).circuitBreaker('hand', { consecutiveFailures: 1 });
    breaker.acquire().failure(new Error('no'));
    breaker[how]();
    expect(short()).toEqual(['circuits firing hand', 'circuits resolved hand']);
  });

  it('begins with forceOpen(), also where nobody listened yet', async () => {
    await begin(onOpenCircuit({ name: 'circuits' }));
    const breaker = service(app).circuitBreaker('hand', { consecutiveFailures: 1 });
    breaker.forceOpen();
    expect(short()).toEqual(['circuits firing hand']);
    breaker.disable();
    expect(short()).toEqual(['circuits resolved hand']);

    @Injectable()
    class Operator {
      constructor(resilience: ResilienceService) {
        resilience.circuitBreaker('early', { consecutiveFailures: 1 }).forceOpen();
      }
    }
    Reflect.defineMetadata('design:paramtypes', [ResilienceService], Operator);
    const register = ResilienceAlertsModule.register({ rules: [onOpenCircuit({ name: 'early' })], channels: [list()], every: '1s' });
    await start({ imports: [register], providers: [Operator] }, { clock, logs: false });
    await clock.advance('1s');
    expect(short()).toEqual(['early firing early']);
  });

  it('is over when the key is forgotten', async () => {
    await begin(onOpenCircuit({ name: 'circuits' }));
    const breaker = service(app).circuitBreaker('few', { consecutiveFailures: 1, maxKeys: 1 });
    breaker.acquire('a').failure(new Error('no'));
    breaker.acquire('b').failure(new Error('no'));
    await clock.advance('1s');
    expect(short()).toEqual(['circuits firing few "a"', 'circuits firing few "b"', 'circuits resolved few "a"']);
  });

  it('goes on while the circuit is half-open', async () => {
    await begin(onOpenCircuit({ name: 'circuits', policy: 'shop' }));
    await quietly(shop.buy());
    await quietly(shop.buy());
    await clock.advance('20s');
    expect(service(app).circuitBreaker('shop').state).toBe('half-open');
    expect(short()).toEqual(['circuits firing shop']);
  });
});

describe('a rule on events', () => {
  it('counts them in the time before now, wherever that begins', async () => {
    await begin(onEvent({ name: 'trips', event: 'circuit-breaker.rejected', times: 3, within: '10s' }));
    await quietly(shop.load('a'));
    const rejected = () => quietly(shop.load('a'));
    await rejected();
    await clock.advance('8s');
    await rejected();
    // The first one is past, and these three are not.
    await clock.advance('1500ms');
    await rejected();
    expect(short()).toEqual(['trips firing tenants "a"']);
  });

  it('wants so many of them in a while, and is over when they have stopped', async () => {
    await begin(onEvent({ name: 'trips', event: 'circuit-breaker.rejected', times: 3, within: '10s', recoversAfter: '5s' }));
    await quietly(shop.buy());
    await quietly(shop.buy());
    await quietly(shop.buy());
    await quietly(shop.buy());
    await clock.advance('9s');
    expect(short()).toEqual([]);
    for (let count = 0; count < 3; count++) await quietly(shop.load('a'));
    await quietly(shop.load('a'));
    expect(short()).toEqual(['trips firing tenants "a"']);
    await clock.advance('7s');
    expect(short()).toEqual(['trips resolved tenants "a"']);
  });
});

describe('a rule on a rate', () => {
  it('of errors looks at so many calls over a while, and at each operation on its own', async () => {
    await begin(onErrorRate({ name: 'errors', above: 0.4, over: '10s', minimumCalls: 4 }));
    const { resilience } = { resilience: service(app) };
    const call = (fails: boolean, name: string) => quietly(resilience.execute({ kind: 'none' }, () => shop.plain(fails), { name }));
    for (const fails of [true, true, true]) await call(fails, 'orders');
    await clock.advance('1s');
    expect(short()).toEqual([]);
    await call(false, 'orders');
    for (const fails of [true, false, false, false]) await call(fails, 'stock');
    await clock.advance('1s');
    expect(alerts[0]).toMatchObject({ value: 0.75, threshold: 0.4, summary: 'orders: 75 % of 4 calls failed in 10 s' });
    expect(short()).toEqual(['errors firing orders']);
    await clock.advance('12s');
    expect(short()).toEqual(['errors resolved orders']);
  });

  it('of rejections counts what policies turned away', async () => {
    await begin(onRejectionRate({ name: 'rejections', operation: 'Shop.ask', above: 0.5, over: '10s', minimumCalls: 3 }));
    for (let count = 0; count < 4; count++) await quietly(shop.ask('one'));
    await clock.advance('1s');
    expect(alerts).toMatchObject([{ value: 0.75, subject: 'Shop.ask' }]);
  });
});

describe('a rule on a client', () => {
  it('tells of the one that keeps hitting its limit, and when it has stopped', async () => {
    await begin(onFrequentClient({ name: 'greedy', limiter: 'api', rejections: 3, within: '10s' }));
    for (const client of ['a', 'b', 'a', 'b', 'a', 'a', 'c']) await quietly(shop.ask(client));
    expect(alerts).toMatchObject([{ value: 3, threshold: 3 }]);
    expect(alerts[0]!.summary).toBe('Client "a" was turned away 3 times in 10 s by "api"');
    expect(short()).toEqual(['greedy firing api "a"']);
    await clock.advance('12s');
    expect(short()).toEqual(['greedy resolved api "a"']);
  });
});

describe('a rule on use', () => {
  it('tells of a bulkhead that is nearly full for a while', async () => {
    await begin(onBulkheadUse({ name: 'full', above: 0.9, for: '3s' }));
    const waits = [shop.wait(), shop.wait()];
    await clock.advance('2s');
    expect(short()).toEqual([]);
    await clock.advance('3s');
    expect(short()).toEqual(['full firing desk']);
    shop.finish.forEach((finish) => finish());
    await Promise.all(waits);
    await clock.advance('1s');
    expect(short()).toEqual(['full resolved desk']);
  });
});

describe('a rule on a condition', () => {
  it('is asked again and again, and what it throws is told and harms nothing', async () => {
    let answer: () => boolean | Promise<boolean> = () => false;
    const { warnings, logger } = told();
    clock = new FakeClock();
    alerts = [];
    const rules = [onCondition({ name: 'mine', summary: 'it is so', condition: () => answer() })];
    const channels = [
      { name: 'bad', send: () => Promise.reject(new Error('no line')) },
      { name: 'list', send: (alert: Alert) => void alerts.push(alert) },
    ];
    app = await start({ imports: [ResilienceAlertsModule.register({ rules, channels, every: '1s' })] }, { clock, logger });
    await clock.advance('1s');
    answer = () => {
      throw new Error('cannot tell');
    };
    await clock.advance('2s');
    expect(warnings).toEqual(['alert rule "mine" threw; the call went on without it (told once)']);
    answer = async () => true;
    await clock.advance('1s');
    expect(alerts).toMatchObject([{ status: 'firing', summary: 'it is so' }]);
    answer = () => false;
    await clock.advance('1s');
    expect(short()).toEqual(['mine firing mine', 'mine resolved mine']);
  });
});

it('mistakes in rules are told at startup, all of them', async () => {
  const wrong = [
    onEvent({ name: 'a', event: 'circuit-breaker.openned' as 'circuit-breaker.opened', times: 0 }),
    onErrorRate({ name: 'a', above: 2, over: 'soon' as '1s' }),
  ];
  await expect(begin(...wrong)).rejects.toThrow(
    /rule "a": event must be a type of event.*; did you mean "circuit-breaker.opened"\?[\s\S]*times must be an integer from 1 to 10000, got 0[\s\S]*two rules called "a"[\s\S]*above must be a number > 0 and < 1, got 2[\s\S]*over must be a duration .*, got "soon"/,
  );
});

it('nothing is left of it when the application is closed', async () => {
  await begin(onOpenCircuit({ name: 'circuits' }));
  const { events } = service(app).environment;
  await closeAll();
  expect(events.active).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});
