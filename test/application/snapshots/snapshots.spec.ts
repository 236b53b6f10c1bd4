import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStore, policies, type CircuitBreakerOptions, type ResilienceOptions } from '../../../src/core.js';
import { saveBreaker } from '../../../src/policies/circuit-breaker/saved-state/saved-breaker.js';
import { FakeClock } from '../../../src/testing/index.js';
import { Lab } from '../../support/lab.js';
import { until } from '../../support/until.js';

const EPOCH = Date.UTC(2026, 0, 1);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulwark-snapshots-'));
  path = join(folder, 'state', 'resilience');
});
afterEach(async () => {
  for (const lab of started.splice(0)) await lab.resilience.drain();
  rmSync(folder, { recursive: true, force: true });
});

const started: Lab[] = [];

/** One life of the application; its monotonic clock begins at 0, its wall time is given. */
function begin(wallTime = EPOCH, options: ResilienceOptions = {}): Lab {
  const lab = new Lab({ clock: new FakeClock(wallTime), snapshots: fileStore({ path, every: '10s' }), ...options });
  started.push(lab);
  return lab;
}

/** An orderly end. */
const end = (lab: Lab): Promise<void> => lab.resilience.drain();

const OPTIONS: CircuitBreakerOptions<unknown[]> = { name: 'payments', window: 10, minimumCalls: 4, openDuration: '60s' };

/** Calls that end as the script says, one after the other. */
async function play(lab: Lab, script: string, options = OPTIONS, ...args: readonly unknown[]): Promise<void> {
  for (const step of script.split(' ')) {
    lab.call(policies.circuitBreaker(options), step, { name: 'Payments.charge', args });
    await clockOf(lab).settle();
  }
}

const clockOf = (lab: Lab): FakeClock => lab.resilience.environment.clock as FakeClock;
const breaker = (lab: Lab, options = OPTIONS) => lab.resilience.circuitBreaker('payments', options);
const OPEN = 'fail fail fail fail';

describe('a breaker after a restart', () => {
  it('is open for what is left of its time, and then half-open', async () => {
    const first = begin();
    await play(first, OPEN);
    await clockOf(first).advance('20s');
    await end(first);
    const second = begin(EPOCH + 30_000);
    expect(breaker(second).state).toBe('open');
    expect(breaker(second).snapshot().nextTrialInMs).toBe(30_000);
    await clockOf(second).advance('29999ms');
    expect(breaker(second).state).toBe('open');
    await clockOf(second).advance('1ms');
    expect(breaker(second).state).toBe('half-open');
  });

  it('is half-open where its time passed while nothing ran', async () => {
    const first = begin();
    await play(first, OPEN);
    await end(first);
    expect(breaker(begin(EPOCH + 3_600_000)).state).toBe('half-open');
  });

  it('has all of its time left where the wall clock was set back', async () => {
    const first = begin();
    await play(first, OPEN);
    await end(first);
    expect(breaker(begin(EPOCH - 3_600_000)).snapshot().nextTrialInMs).toBe(60_000);
  });

  it('stays open no longer than its options say today', async () => {
    const first = begin();
    await play(first, OPEN);
    await end(first);
    expect(breaker(begin(), { ...OPTIONS, openDuration: '5s' }).snapshot().nextTrialInMs).toBe(5000);
  });

  it('goes on with its calls of a count window, the oldest leaving first', async () => {
    const first = begin();
    await play(first, 'fail ok ok ok ok ok ok ok ok ok ok ok fail');
    await end(first);
    const second = begin();
    expect(breaker(second).snapshot()).toMatchObject({ calls: 10, failures: 1 });
    await play(second, 'ok ok ok ok ok ok ok ok ok');
    expect(breaker(second).snapshot().failures).toBe(1);
    await play(second, 'ok');
    expect(breaker(second).snapshot().failures).toBe(0);
  });

  it('forgets calls of a time window when their time is over, that of the pause included', async () => {
    const options: typeof OPTIONS = { ...OPTIONS, window: '100s', minimumCalls: 50 };
    const first = begin();
    await clockOf(first).advance('1h');
    await play(first, 'fail', options);
    await clockOf(first).advance('30s');
    await play(first, 'fail ok', options);
    await end(first);
    const second = begin(EPOCH + 3_600_000 + 30_000 + 40_000);
    expect(breaker(second, options).snapshot()).toMatchObject({ calls: 3, failures: 2 });
    await clockOf(second).advance('45s');
    expect(breaker(second, options).snapshot()).toMatchObject({ calls: 2, failures: 1 });
    await clockOf(second).advance('40s');
    expect(breaker(second, options).snapshot().calls).toBe(0);
  });

  it('begins with an empty window where its shape is another today', async () => {
    const first = begin();
    await play(first, 'fail ok fail');
    await end(first);
    expect(breaker(begin(), { ...OPTIONS, window: 20 }).snapshot().calls).toBe(0);
  });

  it('counts failures in a row over the restart', async () => {
    const options: typeof OPTIONS = { name: 'payments', consecutiveFailures: 3 };
    const first = begin();
    await play(first, 'fail fail', options);
    await end(first);
    const second = begin();
    await play(second, 'fail', options);
    expect(breaker(second, options).state).toBe('open');
  });

  it('goes on with its growing open time, and begins anew after it has closed', async () => {
    const options: typeof OPTIONS = { name: 'payments', consecutiveFailures: 1, openDuration: { initial: '1s', multiplier: 4, max: '1h' } };
    const first = begin();
    await play(first, 'fail', options);
    await clockOf(first).advance('1s');
    await play(first, 'fail', options);
    expect(breaker(first, options).snapshot().nextTrialInMs).toBe(4000);
    await end(first);
    const second = begin(EPOCH + 1000);
    await clockOf(second).advance('4s');
    await play(second, 'fail', options);
    expect(breaker(second, options).snapshot().nextTrialInMs).toBe(16_000);
    await clockOf(second).advance('16s');
    await play(second, 'ok fail', options);
    expect(breaker(second, options).snapshot().nextTrialInMs).toBe(1000);
  });

  it('goes on with the successful trials that it had, and asks for the rest', async () => {
    const options: typeof OPTIONS = { name: 'payments', consecutiveFailures: 1, openDuration: '1s', successThreshold: 3 };
    const first = begin();
    await play(first, 'fail', options);
    await clockOf(first).advance('1s');
    await play(first, 'ok ok', options);
    await end(first);
    const second = begin(EPOCH + 1000);
    expect(breaker(second, options).state).toBe('half-open');
    await play(second, 'ok', options);
    expect(breaker(second, options).state).toBe('closed');
  });

  it('becomes half-open by itself where it is to', async () => {
    const options: typeof OPTIONS = { ...OPTIONS, automaticHalfOpen: true };
    const first = begin();
    await play(first, OPEN, options);
    await end(first);
    const second = begin(EPOCH + 50_000);
    expect(breaker(second, options).state).toBe('open');
    await clockOf(second).advance('10s');
    expect(second.told).toContain('circuit-breaker.half-opened');
  });

  it.each(['forceOpen', 'disable', 'metricsOnly'] as const)('stays as an operator has put it: %s', async (command) => {
    const first = begin();
    breaker(first)[command]();
    const { state } = breaker(first);
    await end(first);
    expect(breaker(begin(EPOCH + 86_400_000)).state).toBe(state);
  });

  it('goes on counting', async () => {
    const first = begin();
    await play(first, `ok ${OPEN} ok`);
    const counted = (lab: Lab) =>
      lab.resilience
        .collect()
        .filter(({ name }) => /^circuit_breaker_(requests|state_transitions)/.test(name))
        .flatMap(({ series }) => series.map(({ labels, value }) => [labels, value]));
    breaker(first);
    const before = counted(first);
    await end(first);
    const second = begin();
    breaker(second);
    expect(breaker(second).trips).toBe(1);
    expect(counted(second)).toEqual(before);
  });

  it('tells of no change: nothing has changed', async () => {
    const first = begin();
    await play(first, OPEN);
    await end(first);
    const second = begin();
    expect(breaker(second).state).toBe('open');
    expect(second.told).toEqual([]);
  });

  it('tells how long it was not closed, the pause included', async () => {
    const first = begin();
    await play(first, OPEN);
    await end(first);
    const second = begin(EPOCH + 100_000);
    second.resilience.measure();
    breaker(second).close();
    const open = second.resilience.collect().find(({ name }) => name === 'circuit_breaker_open_duration_seconds')!;
    expect(JSON.stringify(open)).toContain('100');
  });

  it('has the circuits of its keys again, and spares open ones as before', async () => {
    const options: typeof OPTIONS = { name: 'payments', consecutiveFailures: 1, maxKeys: 3, key: (tenant) => String(tenant) };
    const first = begin();
    await play(first, 'fail', options, 'acme');
    await play(first, 'ok', options, 'beta');
    await end(first);
    const second = begin();
    for (const tenant of ['c', 'd', 'e', 'f']) await play(second, 'ok', options, tenant);
    expect(breaker(second, options).stateOf('acme')).toBe('open');
    expect(breaker(second, options).keyCount).toBe(3);
  });

  it('has its state again though nobody used it in the life between', async () => {
    const first = begin();
    await play(first, OPEN);
    await end(first);
    await end(begin(EPOCH + 10_000));
    await end(begin(EPOCH + 20_000));
    expect(breaker(begin(EPOCH + 30_000)).snapshot().nextTrialInMs).toBe(30_000);
  });

  it('is closed where it was not used for a week', async () => {
    const first = begin();
    breaker(first).forceOpen();
    await end(first);
    expect(breaker(begin(EPOCH + 8 * 86_400_000)).state).toBe('closed');
  });
});

describe('a snapshot', () => {
  it('is written every so often, so that a process that is killed loses no more', async () => {
    const first = begin();
    await play(first, OPEN);
    await clockOf(first).advance('10s');
    await until('the file is there', () => existsSync(path));
    await end(begin(EPOCH + 20_000)); // reads, and may not write
    breaker(first).reset();
    await clockOf(first).advance('10s');
    await until('the file is another', () => !readFileSync(path, 'utf8').includes('"open"'));
  });

  it('is a copy: what happens to a breaker later does not change it', async () => {
    const first = begin();
    await play(first, 'fail ok');
    const parts = [...saveBreaker(breaker(first), clockOf(first))];
    const before = structuredClone(parts);
    await play(first, OPEN);
    breaker(first).forceOpen();
    expect(parts).toEqual(before);
  });

  it('can be read by the owner alone, and nothing else is left beside it after the end', async () => {
    const first = begin();
    await play(first, 'ok');
    await end(first);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'state'))).toEqual(['resilience']);
  });

  it('holds no error: what an upstream said may belong into no file', async () => {
    const first = begin();
    await play(first, 'fail:secret fail:secret fail:secret fail:secret');
    await end(first);
    expect(readFileSync(path, 'utf8')).not.toContain('secret');
    expect(breaker(begin()).snapshot().lastError).toBeUndefined();
  });

  it('leaves no timer behind', async () => {
    const first = begin();
    await end(first);
    expect(clockOf(first).pendingTimers).toBe(0);
  });

  it('fails with one warning where it cannot be written, and is written again when it can', async () => {
    const inTheWay = join(folder, 'state');
    writeFileSync(inTheWay, '');
    const first = begin();
    await play(first, OPEN);
    const pass = async (): Promise<void> => {
      await clockOf(first).advance('10s');
      await until('the attempt is over', () => first.resilience.environment.shutdown['waits'].size === 0);
    };
    for (let count = 0; count < 3; count++) await pass();
    expect(first.logged.filter((line) => line.includes('cannot be written'))).toHaveLength(1);
    rmSync(inTheWay);
    await pass();
    await end(first);
    expect(breaker(begin()).state).toBe('open');
  });

  it.each([
    [{ path: '' }, 'path must be a text'],
    [{ path: 'x', every: '0s' }, 'every must be a duration > 0'],
    [{ path: 'x', evry: '1s' }, 'no option "evry"'],
    [undefined, 'options must be an object'],
    [{}, 'path is required'],
  ])('is refused with an error that names the option: %j', (options, message) => {
    expect(() => fileStore(options as never)).toThrow(message);
  });

  it('is refused where it is no store', () => {
    expect(() => new Lab({ snapshots: 'file' as never })).toThrow(/snapshots must be what fileStore/);
  });
});
