import type { INestApplication, LoggerService } from '@nestjs/common';
import { jest } from '@jest/globals';
import {
  onBulkheadUse,
  onCondition,
  onErrorRate,
  onEvent,
  onFrequentClient,
  onOpenCircuit,
  ResilienceAlertsModule,
  webhookChannel,
  type Alert,
  type AlertChannel,
  type AlertRule,
  type ResilienceAlertsOptions,
} from '../../../src/integrations/alerts/index.js';
import { FakeClock } from '../../../src/testing/index.js';
import { closeAll, service, start, told } from '../../support/nest.js';
import { until } from '../../support/until.js';

let app: INestApplication;
let clock: FakeClock;
let alerts: Alert[];
let warnings: string[];
let logged: string[];

const short = (): string[] => alerts.splice(0).map(({ rule, status, subject }) => `${rule} ${status} ${subject}`);
const list: AlertChannel = { name: 'list', send: (alert) => void alerts.push(alert) };

/** What modules write to Nest's logger. */
const nestLogger = (): LoggerService => {
  const log = (message: unknown): void => void logged.push(String(message));
  return { log: () => undefined, warn: log, error: log };
};

async function begin(rules: readonly AlertRule[], channels: readonly AlertChannel[] = [list], ...more: ResilienceAlertsOptions[]) {
  clock = new FakeClock();
  alerts = [];
  logged = [];
  const { warnings: heard, logger } = told();
  warnings = heard;
  const modules = [{ rules, channels, every: '1s' as const }, ...more].map((options) => ResilienceAlertsModule.register(options));
  app = await start({ imports: modules }, { clock, logs: false, logger }, undefined, nestLogger());
}
afterEach(closeAll);

const openKey = (breaker: string, key?: string): void => {
  service(app).circuitBreaker(breaker, { consecutiveFailures: 1 }).acquire(key).failure(new Error('no'));
};

describe('keys that whoever calls makes up', () => {
  it('have so many alerts a minute, the others follow while they last, and none is lost', async () => {
    await begin([onOpenCircuit({ name: 'circuits', maxPerMinute: 5 })]);
    for (let key = 0; key < 12; key++) openKey('tenants', `t${key}`);
    expect(short()).toHaveLength(5);
    service(app).circuitBreaker('tenants').close('t11');
    await clock.advance('1m');
    expect(short()).toHaveLength(5);
    await clock.advance('1m');
    expect(short()).toEqual(['circuits firing tenants "t10"']);
    expect(logged[0]).toContain('circuits: many subjects at a time');
    expect(logged).toHaveLength(2);
  });

  it('do not hold back what the code itself has', async () => {
    await begin([onOpenCircuit({ name: 'circuits', maxPerMinute: 2 })]);
    for (let key = 0; key < 2000; key++) openKey('tenants', `t${key}`);
    alerts.length = 0;
    openKey('payments');
    expect(short()).toEqual(['circuits firing payments']);
  });

  it('are told to be over within the same bound', async () => {
    await begin([onOpenCircuit({ name: 'circuits', maxPerMinute: 3 })]);
    for (const key of ['a', 'b']) openKey('tenants', key);
    for (const key of ['a', 'b']) service(app).circuitBreaker('tenants').close(key);
    expect(short()).toEqual(['circuits firing tenants "a"', 'circuits firing tenants "b"', 'circuits resolved tenants "a"']);
    await clock.advance('1m');
    expect(short()).toEqual(['circuits resolved tenants "b"']);
  });

  it('are quoted and cut', async () => {
    await begin([onFrequentClient({ name: 'greedy', rejections: 1 })]);
    const limiter = service(app).rateLimiter('api', { limit: 1, per: '1h' });
    const key = `evil\n[Nest] LOG\u001B[2K${'x'.repeat(100_000)}`;
    for (let calls = 0; calls < 2; calls++) limiter.tryAcquire({ key });
    await limiter.acquire({ key }).catch(() => undefined);
    expect(alerts).toHaveLength(1);
    expect(`${alerts[0]!.subject} ${alerts[0]!.summary}`).not.toMatch(/\p{Cc}/u);
    expect(alerts[0]!.subject.length).toBeLessThan(250);
    expect(alerts[0]!.summary.length).toBeLessThan(350);
  });
});

describe('a condition', () => {
  it('that never answers keeps no other rule waiting, is reported, told by its signal, and asked anew', async () => {
    const signals: AbortSignal[] = [];
    const never = onCondition({
      name: 'remote',
      timeout: '5s',
      condition: (_resilience, signal) => {
        signals.push(signal);
        return new Promise<boolean>(() => undefined);
      },
    });
    await begin([never, onBulkheadUse({ name: 'full', above: 0.5, for: 0 })]);
    const permit = await service(app).bulkhead('db', { maxConcurrent: 1 }).acquire();
    await clock.advance('1s');
    expect(short()).toEqual(['full firing db']);
    permit.release();
    await clock.advance('4s');
    expect(short()).toEqual(['full resolved db']);
    expect(signals).toHaveLength(1);
    await clock.advance('2s');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(warnings).toEqual(['alert rule "remote" threw; the call went on without it (told once)']);
    await app.close();
    expect(signals[1]!.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('may reject, also after its time is over, and its late answer does not count', async () => {
    const answers: { resolve(value: boolean): void; reject(error: Error): void }[] = [];
    const condition = () => new Promise<boolean>((resolve, reject) => void answers.push({ resolve, reject }));
    await begin([onCondition({ name: 'slow', timeout: '2s', condition })]);
    await clock.advance('4s');
    answers[0]!.resolve(true);
    await clock.advance('4s');
    answers[1]!.reject(new Error('too late'));
    answers[2]!.reject(new Error('in time'));
    await clock.advance('1s');
    expect(short()).toEqual([]);
    answers.at(-1)!.resolve(true);
    await clock.advance('1s');
    expect(short()).toEqual(['slow firing slow']);
  });
});

describe('a channel', () => {
  it('that throws, rejects or never answers keeps no other one waiting, and one line in a while says so', async () => {
    const bad: AlertChannel[] = [
      {
        name: 'throws',
        send: () => {
          throw new Error('no\nline');
        },
      },
      { name: 'rejects', send: () => Promise.reject(new Error('x'.repeat(10_000))) },
      { name: 'hangs', send: () => new Promise(() => undefined) },
    ];
    await begin([onOpenCircuit({ name: 'circuits' })], [...bad, list]);
    for (const name of ['a', 'b', 'c']) openKey(name);
    await clock.advance(0);
    expect(short()).toHaveLength(3);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toBe(String.raw`circuits firing did not reach throws: no\nline`);
    expect(logged[1]!.length).toBeLessThan(300);
    await clock.advance('10s');
    openKey('d');
    await clock.advance(0);
    expect(logged[2]).toContain('circuits firing did not reach throws (nor did 2 before it)');
  });

  it('whose name or error cannot be read is told of all the same', async () => {
    const unreadable: unknown = Object.create(null);
    const unnamed: AlertChannel = {
      get name(): string {
        throw new Error('no name');
      },
      send: () => Promise.reject(unreadable),
      close: () => Promise.reject(unreadable),
    };
    await begin([onOpenCircuit({ name: 'circuits' })], [unnamed]);
    openKey('a');
    await clock.advance(0);
    await app.close();
    expect(logged).toEqual([
      'circuits firing did not reach (a name that cannot be read): an error that cannot be read',
      'alert channel (a name that cannot be read) was not closed: an error that cannot be read',
    ]);
  });

  it('that cannot be closed does not keep the application from closing', async () => {
    let asked = false;
    const hang = (): Promise<void> => {
      asked = true;
      return new Promise(() => undefined);
    };
    const bad: AlertChannel[] = [
      { name: 'rejects', send: () => undefined, close: () => Promise.reject(new Error('no')) },
      { name: 'hangs', send: () => undefined, close: hang },
    ];
    await begin([onOpenCircuit({ name: 'circuits' })], bad);
    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await until('the channels are asked to close', () => asked);
    await clock.advance('29s');
    expect(closed).toBe(false);
    await clock.advance('1s');
    await closing;
    expect(logged).toEqual(['alert channel rejects was not closed: no', 'alert channel hangs was not closed: it took too long']);
  });
});

describe('rules at startup', () => {
  it('of an application that does not start leave no timer', async () => {
    const time = new FakeClock();
    const fails = { provide: 'fails', useValue: { onModuleInit: () => Promise.reject(new Error('no database')) } };
    const imports = [ResilienceAlertsModule.register({ rules: [onBulkheadUse({ name: 'full', above: 0.5 })], channels: [list] })];
    await expect(start({ imports, providers: [fails] }, { clock: time, logs: false })).rejects.toThrow('no database');
    expect(time.pendingTimers).toBe(0);
  });

  it('that name what does not exist are reported with the nearest name', async () => {
    await begin([
      onOpenCircuit({ name: 'a', policy: 'paymnts' }),
      onErrorRate({ name: 'b', operation: 'Shop.chrage', above: 0.1 }),
      onBulkheadUse({ name: 'c', bulkhead: 'dd', above: 0.5 }),
      onFrequentClient({ name: 'd', limiter: 'apis', rejections: 5 }),
      onEvent({ name: 'e', event: 'retry.exhausted', policy: 'nobody' }),
      onBulkheadUse({ name: 'f', above: 0.5 }),
    ]);
    expect(warnings.map((line) => line.slice(0, 60))).toEqual(
      [
        'alert rule "a": there is no circuit breaker "paymnts" so far,',
        'alert rule "b": there is no operation "Shop.chrage" so far, a',
        'alert rule "c": there is no bulkhead "dd" so far, and until t',
        'alert rule "d": there is no rate limit "apis" so far, and unt',
        'alert rule "e": there is no policy "nobody" so far, and until',
      ].map((line) => line.slice(0, 60)),
    );
  });

  it('are checked all at once, together with the channels', async () => {
    const wrong: unknown = {
      rules: [
        onOpenCircuit({ name: 'a', polizy: 'x', repeatInterval: -1 } as never),
        onErrorRate({ name: 'b' } as never),
        onCondition({ name: 'c', condition: 'true' } as never),
        'a rule',
        { on: 'nothing', name: 'd' },
      ],
      channels: [webhookChannel({ url: 'alerts.example', maxAttempts: 0, timeout: 'abc' as '1s' })],
      every: 0,
      chanels: [],
    };
    const error: unknown = await begin([], [list], wrong as ResilienceAlertsOptions).catch((reason: unknown) => reason);
    const { message } = error as Error;
    for (const said of [
      'rule "a": has no option "polizy"; did you mean "policy"?',
      'rule "a": repeatInterval must be a duration',
      'rule "b": above is required',
      'rule "c": condition must be a function',
      'each of rules must be made by onOpenCircuit, onEvent, ..., got "a rule"',
      'channel webhook: url must be an http or https URL',
      'channel webhook: maxAttempts must be an integer from 1 to 100, got 0',
      'channel webhook: timeout must be a duration',
      'every must be a duration > 0',
      'has no option "chanels"; did you mean "channels"?',
    ]) {
      expect(message).toContain(said);
    }
  });

  it('of one name in two modules of an application are rejected, of other names welcome', async () => {
    const rule = onOpenCircuit({ name: 'circuits' });
    await expect(begin([rule], [list], { rules: [rule] })).rejects.toThrow('another module has a rule called "circuits" already');
    await begin([rule], [list], { rules: [onOpenCircuit({ name: 'others' })], channels: [list] });
    openKey('payments');
    expect(short()).toEqual(['circuits firing payments', 'others firing payments']);
  });
});

it('two applications of one process have rules of one name, each its own', async () => {
  await begin([onOpenCircuit({ name: 'circuits' })]);
  const first = app;
  const heard: Alert[] = [];
  const other: AlertChannel = { name: 'other', send: jest.fn((alert: Alert) => void heard.push(alert)) };
  const module = ResilienceAlertsModule.register({ rules: [onOpenCircuit({ name: 'circuits' })], channels: [other] });
  await start({ imports: [module] }, { clock, logs: false });
  app = first;
  openKey('payments');
  expect([short().length, heard.length]).toEqual([1, 0]);
});
