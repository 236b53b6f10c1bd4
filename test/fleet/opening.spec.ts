import { startAclRedis, startRedis, type RedisServer } from '../support/redis/index.js';
import { Fleet, type Load } from './fleet.js';

const IS_LONG = process.env['FLEET'] === 'long';
const INSTANCES = IS_LONG ? 8 : 4;
const ROUNDS = IS_LONG ? 12 : 3;
const LONGEST_MS = 180_000;
const PROPAGATION_MS = 100;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How long after the first instance each of the others has heard of an opening, in milliseconds, over several openings. */
async function delays(redis: RedisServer, store: object, control: string): Promise<number[]> {
  const fleet = new Fleet();
  const load: Load = {
    kind: 'breaker',
    name: 'upstream',
    perSecond: 15,
    options: { name: 'upstream', window: '1s', minimumCalls: 10, openDuration: '400ms', halfOpenTimeout: '1s' },
  };
  const heard: number[] = [];
  try {
    await fleet.start(INSTANCES, () => ({ loads: [load], store: { url: redis.url, ...store }, control }));
    await pause(1500);
    for (let round = 0; round < ROUNDS; round++) {
      await fleet.look();
      await fleet.upstreamIs({ isWell: false, takesMs: 5 });
      await pause(1800); // until half of the window has failed, and all have had the time to hear of it
      await fleet.upstreamIs({ isWell: true, takesMs: 5 });
      const seen = await fleet.look();
      const opened = seen.map(({ transitions }) => transitions.find(({ type }) => type === 'circuit-breaker.opened')?.at ?? Infinity);
      const first = Math.min(...opened);
      heard.push(...opened.map((at) => at - first));
      await pause(2500);
    }
    await fleet.stopInstances();
  } finally {
    await fleet.end();
  }
  return heard.toSorted((a, b) => a - b);
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

describe('an opening reaches all instances', () => {
  it(
    'within 100 ms at the median and 250 ms at the 99th percentile, by publish and subscribe',
    async () => {
      const redis = await startRedis();
      try {
        const heard = await delays(redis, { propagation: PROPAGATION_MS }, redis.url);
        report('pub/sub', heard);
        expect(quantile(heard, 0.5)).toBeLessThan(100);
        expect(quantile(heard, 0.99)).toBeLessThan(250);
      } finally {
        await redis.stop();
      }
    },
    LONGEST_MS,
  );

  it(
    'within two times propagation and 50 ms where the channels are cut',
    async () => {
      // A user that may publish, and hears of nothing.
      const redis = await startAclRedis(['user deaf on >deaf ~* resetchannels +@all -subscribe -ssubscribe -psubscribe &none']);
      try {
        const store = { propagation: PROPAGATION_MS, connection: { username: 'deaf', password: 'deaf' } };
        const heard = await delays(redis, store, redis.url.replace('redis://', 'redis://admin:admin@'));
        report('polling', heard);
        expect(quantile(heard, 0.99)).toBeLessThan(2 * PROPAGATION_MS + 50);
      } finally {
        await redis.stop();
      }
    },
    LONGEST_MS,
  );
});

function report(how: string, heard: readonly number[]): void {
  if (IS_LONG)
    console.log(`${how}: median ${quantile(heard, 0.5).toFixed(1)} ms, p99 ${quantile(heard, 0.99).toFixed(1)} ms, of ${heard.length}`);
}
