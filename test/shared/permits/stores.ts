import { Redis } from 'ioredis';
import { StoreKeys } from '../../../src/integrations/redis/keys.js';
import { RedisFleet } from '../../../src/integrations/redis/fleet/redis-fleet.js';
import { RedisPermits } from '../../../src/integrations/redis/permits/redis-permits.js';
import type { Script, ScriptArgument, ScriptRunner } from '../../../src/integrations/redis/scripts/script.js';
import { Environment } from '../../../src/engine/environment.js';
import type { PermitStore } from '../../../src/policies/bulkhead/shared/permit-store.js';
import type { SharedSettings } from '../../../src/policies/shared-store.js';
import type { RedisContext } from '../../../src/integrations/redis/redis-context.js';
import type { FleetStore } from '../../../src/policies/fleet-store.js';
import { MemoryFleet } from '../../../src/testing/memory-store/memory-fleet.js';
import { MemoryPermits } from '../../../src/testing/memory-store/memory-permits.js';
import { startRedis, type RedisServer } from '../../support/redis/index.js';
import { NaivePermits } from './naive-permits.js';

export const LEASE_MS = 10_000;
export const PROPAGATION_MS = 100;
const TIMES = { leaseMs: LEASE_MS, propagationMs: PROPAGATION_MS };

/** A store of permits with a clock of the test's, and who was told of a permit. */
export interface TestStore {
  readonly permits: PermitStore;
  readonly told: string[];
  now: number;
}

/** Runs scripts on a real server, by the time that a test gives in place of the server's. */
class InjectedTime implements ScriptRunner {
  constructor(
    private readonly client: Redis,
    private readonly now: () => number,
  ) {}

  async run({ source }: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    const words = [...keys, '', String(this.now()), ...args];
    const [, body] = (await this.client.callBuffer('EVAL', source, keys.length, ...words)) as [Buffer, unknown];
    return body;
  }
}

/** The real server that the specs of this file run on. */
export class Servers {
  server!: RedisServer;
  client!: Redis;
  private subscriber!: Redis;
  private readonly listeners = new Map<string, Set<(message: Buffer) => void>>();
  private groups = 0;

  async start(): Promise<void> {
    this.server = await startRedis();
    this.client = new Redis(this.server.port, this.server.host);
    this.subscriber = this.client.duplicate();
    await this.subscriber.psubscribe('test:*');
    this.subscriber.on('pmessageBuffer', (_pattern: Buffer, channel: Buffer, message: Buffer) => {
      for (const listener of this.listeners.get(channel.toString()) ?? []) listener(message);
    });
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    this.subscriber.disconnect();
    await this.server.stop();
  }

  /** A new one of each kind. */
  create(kind: 'memory' | 'redis' | 'naive', start = 1_000_000): TestStore {
    const store = { now: start, told: [] as string[] };
    const now = (): number => store.now;
    const made = {
      memory: () => new MemoryPermits().for(TIMES, now),
      naive: () => new NaivePermits(now, LEASE_MS),
      redis: () => this.redisPermits(now),
    }[kind]();
    made.onFreed((holder) => store.told.push(holder));
    return Object.assign(store, { permits: made });
  }

  /** Where the instances of a new group meet. */
  fleet(kind: 'memory' | 'redis'): { readonly fleet: FleetStore; now: number } {
    const store = { now: 1_000_000 };
    const now = (): number => store.now;
    const fleet = kind === 'memory' ? new MemoryFleet().for(now) : new RedisFleet(this.contextOf(now));
    return Object.assign(store, { fleet });
  }

  private redisPermits(now: () => number): RedisPermits {
    return new RedisPermits(this.contextOf(now));
  }

  private contextOf(now: () => number): RedisContext {
    const listen = (channel: string, listener: (message: Buffer) => void): (() => void) => {
      const audience = this.listeners.get(channel) ?? new Set();
      this.listeners.set(channel, audience.add(listener));
      return () => audience.delete(listener);
    };
    const keys = new StoreKeys('test', `g${++this.groups}`);
    const settings = { ...TIMES } as SharedSettings;
    const scripts = new InjectedTime(this.client, now);
    return { environment: new Environment(), settings, keys, scripts, channels: { subscribe: listen } };
  }
}
