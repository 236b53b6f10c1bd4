import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStore, type CircuitBreaker } from '../../../src/core.js';
import { FakeClock } from '../../../src/testing/index.js';
import { Lab } from '../../support/lab.js';
import { until } from '../../support/until.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulwark-snapshots-'));
  path = join(folder, 'resilience');
});
afterEach(async () => {
  for (const lab of started.splice(0)) await lab.resilience.drain();
  rmSync(folder, { recursive: true, force: true });
});

const started: Lab[] = [];

class Run extends Lab {
  constructor(file = path, wallTime?: number) {
    super({ clock: new FakeClock(wallTime), snapshots: fileStore({ path: file }) });
    started.push(this);
  }

  get breaker(): CircuitBreaker {
    return this.resilience.circuitBreaker('payments', { window: 10, key: String });
  }

  /** Moves time on by so many periods, and waits each time for what is written. */
  async pass(periods = 1): Promise<void> {
    for (let count = 0; count < periods; count++) {
      await (this.resilience.environment.clock as FakeClock).advance('10s');
      await until('the snapshot is written', () => this.resilience.environment.shutdown['waits'].size === 0);
    }
  }
}

/** A file of an orderly end, with one breaker that is forced open. */
async function written(): Promise<string> {
  const run = new Run();
  run.breaker.forceOpen();
  await run.resilience.drain();
  return readFileSync(path, 'utf8');
}

/** A file with the right checksum, whatever its lines say. */
function sealed(...lines: readonly unknown[]): string {
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  return `${text}${JSON.stringify({ sha256: createHash('sha256').update(text).digest('hex') })}\n`;
}

const HEAD = { format: 'nestjs-bulwark snapshot', version: 1 };

describe('a file that is no snapshot', () => {
  const kinds: readonly (readonly [what: string, make: (good: string) => string | Buffer, reason: string])[] = [
    ['empty', () => '', 'is no snapshot'],
    ['of another program', () => '{"name":"shop","version":1}\n', 'is no snapshot'],
    ['binary', () => Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 37) % 256)), 'is no snapshot'],
    ['a list', () => '[]\n', 'is no snapshot'],
    ['without a version', () => sealed({ format: HEAD.format }), 'it has no version'],
    ['of a newer version', () => sealed({ ...HEAD, version: 2 }), 'was written by a newer version (format 2'],
    ['cut in a line', (good) => good.slice(0, Math.floor(good.length / 2)), 'its end is missing'],
    ['cut after a line', (good) => `${good.split('\n').slice(0, -2).join('\n')}\n`, 'its checksum is another'],
    ['without its last line break', (good) => good.slice(0, -1), 'its end is missing'],
    ['changed in one place', (good) => good.replace('forced-open', 'forced-opem'), 'its checksum is another'],
    ['with entries that are numbers', () => sealed(HEAD, 7), 'it has entries that are none'],
    ['with an entry that is no JSON', () => sealed(HEAD, '{'), 'it has entries that are none'],
    ['with an entry of no time', () => sealed(HEAD, { kind: 'circuitBreaker', name: 'payments', savedAt: 'today', state: {} }), 'entries'],
    ['with zeros at its end, as after a crash of the machine', (good) => `${good}${'\0'.repeat(4096)}`, 'its end is missing'],
  ];

  it.each(kinds)('%s: is told with the reason, set aside, and the application starts clean', async (_what, make, reason) => {
    const content = make(await written());
    writeFileSync(path, content);
    const run = new Run();
    expect(run.logged).toEqual([expect.stringContaining(reason)]);
    expect(run.breaker.state).toBe('closed');
    await run.resilience.drain();
    expect(readFileSync(`${path}.bad`).equals(Buffer.from(content))).toBe(true);
    expect(new Run().logged).toEqual([]);
  });

  it('is told and left where it is when it is a folder', async () => {
    mkdirSync(path);
    const run = new Run();
    expect(run.logged).toEqual([expect.stringContaining('cannot be read')]);
    await run.resilience.drain();
    expect(run.logged).toHaveLength(2);
    expect(readdirSync(folder)).toEqual(['resilience']);
  });

  it('is told where it is too large to be one, without reading it', async () => {
    writeFileSync(path, '');
    truncateSync(path, 300 * 1024 * 1024);
    const run = new Run();
    expect(run.logged).toEqual([expect.stringContaining('larger than a snapshot can be')]);
    await run.resilience.drain();
    expect(existsSync(`${path}.bad`)).toBe(true);
  });
});

describe('an entry that no breaker has written', () => {
  const circuit = {
    state: 'open',
    leftMs: 1000,
    openings: 1,
    firstOpenMs: 1000,
    counts: { trips: 1, successes: 0, failures: 0, rejections: 0 },
  };
  const window = (value: object): object => ({ ...circuit, state: 'closed', window: value });
  const time = { type: 'time', durationMs: 10_000 };

  it.each([
    ['null', null],
    ['a text', 'open'],
    ['nothing that is known', {}],
    ['an unknown state', { ...circuit, state: 'ajar' }],
    ['a state that is a method of every object', { ...circuit, state: 'constructor' }],
    ['a key that is a number', { ...circuit, key: 7 }],
    ['a time left that is text', { ...circuit, leftMs: '1000' }],
    ['a negative time left', { ...circuit, leftMs: -1 }],
    ['no openings', { ...circuit, openings: undefined }],
    ['half an opening', { ...circuit, openings: 1.5 }],
    ['counts that are a list', { ...circuit, counts: [1, 2, 3, 4] }],
    ['a negative count', { ...circuit, counts: { ...circuit.counts, trips: -1 } }],
    ['a window of no type', window({ shape: {} })],
    ['a window without calls', window({ shape: { type: 'count', size: 10 } })],
    ['buckets that are none', window({ shape: time, buckets: [[1, 2, 3]] })],
    ['more failures than calls', window({ shape: time, buckets: [[1, 2, 3, 0]] })],
    ['more calls than a bucket holds', window({ shape: time, buckets: [[1, 1e12, 0, 0]] })],
    ['transitions that are none', { forgotten: circuit.counts, transitions: [['a b c', 1]] }],
  ])('(%s) is left out and told, and the others count', (_what, state) => {
    const entry = { kind: 'circuitBreaker', name: 'payments', savedAt: 0 };
    const savedAt = Date.UTC(2026, 0, 1);
    const good = { ...entry, savedAt, state: { ...circuit, key: 'good', state: 'forced-open' } };
    writeFileSync(path, sealed(HEAD, { ...entry, savedAt, state }, good));
    const run = new Run();
    expect(run.breaker.stateOf('good')).toBe('forced-open');
    expect(run.breaker.state).toBe('closed');
    expect(run.logged).toEqual([expect.stringContaining('1 of 2 parts saved for circuitBreaker "payments"')]);
  });

  it('changes no prototype', () => {
    const counts = '{"trips":1,"successes":0,"failures":0,"rejections":0,"__proto__":{"polluted":true}}';
    const totals = `{"kind":"circuitBreaker","name":"payments","savedAt":${Date.UTC(2026, 0, 1)},"state":{"forgotten":${counts},"transitions":[]}}`;
    writeFileSync(path, sealed(HEAD, totals));
    const run = new Run();
    expect(run.breaker.trips).toBe(1);
    expect((run.breaker.forgotten as unknown as { polluted?: true }).polluted).toBeUndefined();
  });

  it('of a kind that nobody knows is kept for who knows it', async () => {
    const entry = { kind: 'lease', name: 'constructor', savedAt: Date.UTC(2026, 0, 1), state: { any: 'thing' } };
    writeFileSync(path, sealed(HEAD, entry));
    const run = new Run();
    await run.resilience.drain();
    expect(run.logged).toEqual([]);
    expect(readFileSync(path, 'utf8')).toContain(JSON.stringify(entry));
  });
});

describe('the second one on a path', () => {
  it('reads what is there, says so once, does not write, and does when the first one has ended', async () => {
    const first = new Run();
    first.breaker.forceOpen();
    await first.pass();
    const second = new Run();
    expect(second.breaker.state).toBe('forced-open');
    second.breaker.reset();
    await second.pass(3);
    expect(second.logged).toEqual([expect.stringMatching(/is written by process \d+ on ".+", so this process does not write it/)]);
    expect(readFileSync(path, 'utf8')).toContain('forced-open');
    await first.resilience.drain();
    await second.pass();
    expect(second.logged).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).not.toContain('"state":"forced-open"');
  });

  it('leaves a file that it cannot use where it is', async () => {
    const first = new Run();
    await first.pass();
    writeFileSync(path, 'damaged');
    const second = new Run();
    await second.pass();
    expect(readFileSync(path, 'utf8')).toBe('damaged');
    await first.pass();
    expect(readFileSync(path, 'utf8')).toContain(HEAD.format);
  });

  const lock = (owner: object): void =>
    writeFileSync(`${path}.lock`, JSON.stringify({ id: 'x', host: hostname(), everyMs: 10_000, ...owner }));
  const writes = async (run: Run): Promise<boolean> => {
    await run.pass();
    return existsSync(path);
  };

  it.each([
    ['a process of this host that is gone', { pid: 2 ** 30 }],
    ['a process before this one with the same id, as in a container', { pid: process.pid }],
  ])('writes at once where the lock was left behind by %s', async (_who, owner) => {
    lock(owner);
    const run = new Run();
    expect(await writes(run)).toBe(true);
    expect(run.logged).toEqual([]);
  });

  it.each([
    ['another host', { host: 'elsewhere', pid: 1 }],
    ['a process that lives, whose id was used again', { pid: process.ppid }],
  ])('writes after three periods without a sign of life where the lock is one of %s', async (_who, owner) => {
    lock(owner);
    const run = new Run();
    await run.pass(3);
    expect(existsSync(path)).toBe(false);
    await run.pass(2);
    expect(existsSync(path)).toBe(true);
  });

  it.each(['', '{', 'null', '{"id":1}'])('waits for three periods where the lock says %j', async (content) => {
    writeFileSync(`${path}.lock`, content);
    const run = new Run();
    expect(await writes(run)).toBe(false);
    expect(run.logged).toEqual([expect.stringContaining('is written by another process')]);
    await run.pass(4);
    expect(existsSync(path)).toBe(true);
  });

  it('stops writing where its lock was taken for left behind', async () => {
    const first = new Run();
    await first.pass();
    lock({ pid: process.ppid });
    rmSync(path);
    expect(await writes(first)).toBe(false);
    expect(first.logged).toEqual([expect.stringContaining('so this process does not write it')]);
  });

  it('takes its lock again where somebody removed it', async () => {
    const first = new Run();
    await first.pass();
    rmSync(`${path}.lock`);
    await first.pass();
    expect(existsSync(`${path}.lock`)).toBe(true);
    expect(first.logged).toEqual([]);
  });
});

describe('what a process that was killed left behind', () => {
  it('is removed by the next one: temporary files', async () => {
    writeFileSync(`${path}.4711.tmp`, 'half of it');
    writeFileSync(join(folder, 'of-somebody-else.tmp'), '');
    const run = new Run();
    await until('they are gone', () => !existsSync(`${path}.4711.tmp`));
    expect(existsSync(join(folder, 'of-somebody-else.tmp'))).toBe(true);
    await run.resilience.drain();
  });
});
