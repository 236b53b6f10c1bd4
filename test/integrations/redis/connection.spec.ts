import { Link } from '../../../src/integrations/redis/connection/link.js';
import { ClientOfUrl, type ClientLibrary } from '../../../src/integrations/redis/connection/make-client.js';
import { ServerClock } from '../../../src/integrations/redis/connection/server-clock.js';
import { Shard } from '../../../src/integrations/redis/connection/shard.js';
import { failureOf } from '../../../src/integrations/redis/connection/store-failure.js';
import { StoreTimeoutError, StoreUnavailableError } from '../../../src/integrations/redis/connection/store.error.js';

describe('what is known of the clock of a server', () => {
  it('is never later than it is, whatever the way there and back takes', () => {
    const clock = new ServerClock();
    expect(clock.isKnown).toBe(false);
    // It is 1000 ahead; the answer took 40 ms, of which 10 on the way there.
    clock.observe(1010, 0, 40);
    expect(clock.earliest(140)).toBeLessThanOrEqual(1140);
    expect(clock.earliest(140)).toBeGreaterThan(1100);
    clock.observe(1101, 100, 102);
    expect(clock.earliest(200)).toBeLessThanOrEqual(1200);
    expect(clock.earliest(200)).toBeGreaterThan(1198);
  });

  it('is not spoilt by a slow answer, and grows old by the drift of clocks', () => {
    const clock = new ServerClock();
    clock.observe(1000, 0, 1);
    clock.observe(1150, 100, 200);
    expect(clock.earliest(300)).toBeGreaterThan(1298);
    expect(clock.earliest(100_000)).toBeLessThan(100_999 - 40);
  });

  it('is forgotten where the clock was set, and on another server', () => {
    const clock = new ServerClock();
    clock.observe(1000, 0, 1);
    clock.observe(500_000, 10, 11);
    expect(clock.earliest(11)).toBeCloseTo(500_000, -1);
    clock.forget();
    expect(clock.isKnown).toBe(false);
  });
});

describe('the states of a connection', () => {
  function link() {
    const client = { isReady: false, reconnects: 0, reconnect: () => void client.reconnects++ };
    const told: string[] = [];
    return { client, told, link: new Link(client, { ready: () => void told.push('ready'), lost: () => void told.push('lost') }) };
  }

  it('follow the client', () => {
    const it = link();
    it.link.look(0);
    it.client.isReady = true;
    it.link.look(50);
    it.client.isReady = false;
    it.link.look(100);
    expect([it.told, it.link.state, it.client.reconnects]).toEqual([['ready', 'lost'], 'connecting', 0]);
  });

  it('have it connect anew after 700 ms, and then ever more patiently', () => {
    const it = link();
    for (let now = 0; now <= 20_000; now += 50) it.link.look(now);
    // 700, + 1400, + 2800, + 5600, + 5600
    expect(it.client.reconnects).toBe(5);
  });

  it('have it connect anew where it believes in a connection on which nobody answers, and once closed never', () => {
    const it = link();
    it.client.isReady = true;
    it.link.look(0);
    it.link.renew(10);
    expect([it.client.reconnects, it.told]).toEqual([1, ['ready', 'lost']]);
    it.link.close();
    it.link.renew(20);
    it.link.look(10_000);
    expect(it.client.reconnects).toBe(1);
  });
});

describe('the breaker before the store', () => {
  it('opens after three failures in a row, and not after three of many', () => {
    const shard = new Shard('k');
    shard.answeredProbe(0);
    for (let times = 0; times < 10; times++) {
      shard.failed('slow', false, times);
      shard.failed('slow', false, times);
      shard.heard(times);
    }
    expect(shard.state).toBe('up');
    for (let times = 0; times < 3; times++) shard.failed('slow', false, 20);
    expect([shard.state, shard.reason]).toEqual(['down', 'slow']);
  });

  it('opens at once where the server says that it cannot work', () => {
    const shard = new Shard('k');
    shard.answeredProbe(0);
    shard.failed('READONLY', true, 1);
    expect(shard.state).toBe('down');
  });

  it('tries again after 100 ms, 200 ms, ... 2 s, and soon again where it had worked for long', () => {
    const shard = new Shard('k');
    const pauses = Array.from({ length: 7 }, () => {
      shard.failed('gone', true, 0);
      return shard.nextProbeAt;
    });
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    shard.answeredProbe(0);
    shard.failed('gone', true, 60_000);
    expect(shard.nextProbeAt).toBe(60_100);
  });
});

describe('an error', () => {
  it.each([
    ['OOM command not allowed when used memory > maxmemory', 'unable'],
    ['ERR Error running script (call to f_1): @user_script:5: -OOM command not allowed', 'unable'],
    ["READONLY You can't write against a read only replica.", 'unable'],
    ['LOADING Redis is loading the dataset in memory', 'unable'],
    ['NOPERM this user has no permissions', 'unable'],
    ['CLUSTERDOWN The cluster is down', 'unable'],
    ['WRONGTYPE Operation against a key', undefined],
    ['ERR value is not an integer', undefined],
    ['Connection is closed.', 'unreachable'],
    ['connect ECONNREFUSED 127.0.0.1:6379', 'unreachable'],
    ['Socket closed unexpectedly', 'unreachable'],
  ])('"%s" is %s', (message, failure) => {
    expect(failureOf(new Error(message))).toBe(failure);
  });

  it('of our own is what it says', () => {
    expect([failureOf(new StoreTimeoutError('x', {})), failureOf(new StoreUnavailableError('x', {})), failureOf('text')]).toEqual([
      'timeout',
      'unreachable',
      'unreachable',
    ]);
  });
});

describe('a client of a URL', () => {
  const missing = (): Promise<never> => Promise.reject(Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' }));
  const library = (name: string, load: ClientLibrary['load'], make?: ClientLibrary['make']): ClientLibrary => ({
    name,
    load,
    make: make ?? (() => ({}) as never),
  });

  it('is an error of the start that says what to install, where no library is there', async () => {
    const client = new ClientOfUrl({ url: 'redis://cache', connection: {}, socketTimeoutMs: 1 }, [
      library('a', missing),
      library('b', missing),
    ]);
    await expect(client.load()).rejects.toThrow('needs one of a, b, and none of them is installed: npm install a');
    expect(client.isReady).toBe(false);
  });

  it('is made by the first library that is installed, which knows Valkey by the name of Redis', async () => {
    const asked: string[] = [];
    const make: ClientLibrary['make'] = (_library, { url }) => {
      asked.push(url);
      return { status: 'ready', callBuffer: ignore, disconnect: ignore, duplicate: ignore, on: ignore, off: ignore } as never;
    };
    const client = new ClientOfUrl({ url: 'valkeys://cache', connection: {}, socketTimeoutMs: 1 }, [
      library('a', missing),
      library('b', () => Promise.resolve({}), make),
    ]);
    await client.load();
    expect([asked, client.isReady]).toEqual([['rediss://cache'], true]);
  });
});

const ignore = (): void => undefined;
