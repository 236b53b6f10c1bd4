import { startRedis, startSentinel, startTcpProxy, type RedisServer, type SentinelSetup, type TcpProxy } from '../support/redis/index.js';
import { Fleet } from './fleet.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A server, the network before it and a fleet of three. */
export class World {
  readonly fleet = new Fleet();
  /** Stops what only one fault needs. */
  extra: { stop(): Promise<void> } | undefined;

  private constructor(
    readonly redis: RedisServer,
    readonly network: TcpProxy,
    readonly sentinel: SentinelSetup | undefined,
  ) {}

  static async start({ keepsData = false, sentinel = false }): Promise<World> {
    if (sentinel) {
      const setup = await startSentinel();
      return new World(setup.primary, await startTcpProxy(setup.primary), setup);
    }
    const redis = await startRedis({ keepsData });
    return new World(redis, await startTcpProxy(redis), undefined);
  }

  async end(): Promise<void> {
    await this.fleet.end();
    await Promise.all([this.network.stop(), this.sentinel?.stop() ?? this.redis.stop(), this.extra?.stop()]);
  }
}

/** Something that goes wrong while a fleet works. */
export interface Fault {
  readonly what: string;
  readonly keepsData?: boolean;
  readonly sentinel?: boolean;
  /** Of one instance: its clock, against that of the others. */
  readonly clockOffsetMs?: number;
  /** The store cannot be asked while it lasts, so that policies do what `onStoreFailure` says. */
  readonly isOutage: boolean;
  readonly lastsMs: number;
  strike(world: World): unknown;
  /** Undoes what does not end by itself. Nobody touches an instance. */
  heal?(world: World): unknown;
  /** One instance does nothing for that long. */
  readonly stopsInstance?: boolean;
  /** In the suite, and not only in `npm run test:fleet`. */
  readonly isShort?: boolean;
}

export const FAULTS: readonly Fault[] = [
  {
    what: 'Redis is killed and comes back empty',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ redis }) => redis.kill(),
    heal: ({ redis }) => redis.restart({ empty: true }),
    isShort: true,
  },
  {
    what: 'Redis is killed and comes back with its data',
    keepsData: true,
    isOutage: true,
    lastsMs: 3500,
    strike: ({ redis }) => redis.kill(),
    heal: ({ redis }) => redis.restart(),
  },
  {
    what: 'Redis is paused for five seconds',
    isOutage: true,
    lastsMs: 5000,
    strike: ({ redis }) => redis.pause(),
    heal: ({ redis }) => redis.resume(),
  },
  {
    what: 'the primary dies and the Sentinel promotes its replica',
    sentinel: true,
    isOutage: false, // for as long as the promotion takes, which is not ours to say
    lastsMs: 0,
    strike: ({ sentinel }) => sentinel!.primary.kill(),
    heal: ({ sentinel }) => sentinel!.promoted(),
  },
  {
    what: 'Redis takes no writes',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ redis }) => redis.command('REPLICAOF', '127.0.0.1', 1),
    heal: ({ redis }) => redis.command('REPLICAOF', 'NO', 'ONE'),
  },
  { what: 'its scripts are flushed', isOutage: false, lastsMs: 500, strike: ({ redis }) => redis.command('SCRIPT', 'FLUSH') },
  {
    what: 'Redis is out of memory',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', 1),
    heal: ({ redis }) => redis.command('CONFIG', 'SET', 'maxmemory', 0),
  },
  {
    what: 'Redis pauses its clients for four seconds',
    isOutage: true,
    lastsMs: 4000,
    strike: ({ redis }) => redis.command('CLIENT', 'PAUSE', 4000),
  },
  {
    what: 'the network is slow, within the time limit',
    isOutage: false,
    lastsMs: 3500,
    strike: ({ network }) => network.delay(15),
    heal: ({ network }) => network.heal(),
  },
  {
    what: 'the network is slower than the time limit',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ network }) => network.delay(400),
    heal: ({ network }) => network.heal(),
  },
  {
    what: 'the network is cut, and refuses new connections',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ network }) => network.cut(),
    heal: ({ network }) => network.heal(),
  },
  {
    what: 'the network swallows all, on connections old and new',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ network }) => network.blackHole(),
    heal: ({ network }) => network.heal(),
    isShort: true,
  },
  {
    what: 'the network swallows the answers only',
    isOutage: true,
    lastsMs: 3500,
    strike: ({ network }) => network.blackHole(['to client']),
    heal: ({ network }) => network.heal(),
  },
  {
    what: 'one instance is killed with all that it holds',
    isOutage: false,
    lastsMs: 3500,
    strike: ({ fleet }) => fleet.kill(fleet.instances[0]!),
    isShort: true,
  },
  {
    what: 'one instance is paused for longer than its leases',
    stopsInstance: true,
    isOutage: false,
    lastsMs: 4000,
    strike: ({ fleet }) => fleet.instances[0]!.child.kill('SIGSTOP'),
    async heal({ fleet }) {
      fleet.instances[0]!.child.kill('SIGCONT');
      await pause(500); // its calls end, and it learns what it has lost
    },
  },
  {
    what: 'the clocks of instances are ten minutes apart',
    clockOffsetMs: 600_000,
    isOutage: false,
    lastsMs: 1000,
    strike: () => undefined,
  },
];
