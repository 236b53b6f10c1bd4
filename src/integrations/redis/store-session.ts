import { systemClock } from '../../engine/clock.js';
import type { Environment } from '../../engine/environment.js';
import { LastTasks } from '../../engine/waiting/last-tasks.js';
import { Availability } from './connection/availability.js';
import { Connection } from './connection/connection.js';
import { ClientOfUrl } from './connection/make-client.js';
import { recognise } from './connection/recognise.js';
import { StoreBreaker } from './connection/store-breaker.js';
import type { StoreClient } from './connection/store-client.js';
import type { RedisStoreSettings } from './options.js';
import type { Channels } from './redis-context.js';
import { probeScript } from './scripts/probe.js';
import { RedisScriptRunner } from './scripts/script-runner.js';
import { StoreRequests } from './store-requests.js';

/** A socket on which nothing comes for so many times `commandTimeout`, and at least so long, is given up by a client of ours. */
const SOCKET_TIMEOUT = { times: 10, leastMs: 3000 };

/** So many times `commandTimeout` may giving back last. */
const GIVING_BACK = 2;

function clientFor({ client, url, connection = {}, commandTimeout }: RedisStoreSettings): StoreClient {
  if (client !== undefined) return recognise(client, false);
  const socketTimeoutMs = Math.max(SOCKET_TIMEOUT.leastMs, SOCKET_TIMEOUT.times * commandTimeout);
  return new ClientOfUrl({ url: url!, connection, socketTimeoutMs });
}

/** One application's connection to its store, with all that watches over it. */
export class StoreSession {
  readonly availability: Availability;
  readonly requests: StoreRequests;
  readonly scripts: RedisScriptRunner;
  readonly channels: Channels;
  readonly lastTasks: LastTasks;
  /** Which servers may be asked. */
  readonly breaker: StoreBreaker;
  private readonly client: StoreClient;
  private readonly connection: Connection;

  /** @param now A clock in place of the server's for all scripts, in tests only. */
  constructor(
    private readonly options: RedisStoreSettings,
    environment: Environment,
    probeKey: string,
    now?: () => number,
  ) {
    const { group, commandTimeout } = options;
    this.availability = new Availability(environment, group, () => systemClock.now());
    this.requests = new StoreRequests(environment, group);
    this.lastTasks = new LastTasks(environment, 'what is given back to the store');
    this.client = clientFor(options);
    this.breaker = new StoreBreaker(this.availability, probeKey, this.client, (shard) =>
      this.scripts.ask(shard, probeScript, [shard.probeKey]).then(() => undefined),
    );
    this.connection = new Connection(this.client, commandTimeout, this.breaker, (time) => this.breaker.look(time));
    this.scripts = new RedisScriptRunner(this.connection, this.breaker, this.requests, now);
    this.channels = { subscribe: (channel, listener) => this.connection.subscriptions.subscribe(channel, listener) };
  }

  /** @throws ResilienceConfigError where there is no library for a client. */
  async start(): Promise<void> {
    this.connection.begin();
    if (this.client instanceof ClientOfUrl) await this.client.load();
    await this.availability.whenStarted();
  }

  async stop(): Promise<void> {
    await this.lastTasks.run(GIVING_BACK * this.options.commandTimeout);
    this.availability.close();
    this.connection.close();
  }
}
