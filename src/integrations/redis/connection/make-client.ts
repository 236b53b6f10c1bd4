import { ResilienceConfigError } from '../../../core.js';
import { recognise, type RedisClient } from './recognise.js';
import type { StoreClient, StoreSubscriber } from './store-client.js';

/** What is said to a client that is made for us, beside what the user says. */
interface Making {
  readonly url: string;
  readonly socketTimeoutMs: number;
  readonly connection: Readonly<Record<string, unknown>>;
}

/** A library that may be installed. */
export interface ClientLibrary {
  readonly name: string;
  load(): Promise<unknown>;
  make(library: unknown, making: Making): RedisClient;
}

const CONNECT_TIMEOUT_MS = 5000;

/** How long to wait before the next try to connect: 50 ms, 100 ms, ... 1 s. */
const backoff = (tries: number): number => Math.min(50 * 2 ** Math.min(tries, 10), 1000);

type Constructor = new (url: string, options: object) => RedisClient;

/** Nothing is kept for later, and nothing is sent twice: whoever asked has given up by then. */
function makeIoredis(library: unknown, { url, socketTimeoutMs: socketTimeout, connection }: Making): RedisClient {
  const { Redis } = library as { readonly Redis: Constructor };
  return new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout,
    retryStrategy: backoff,
    ...connection,
  });
}

function makeNodeRedis(library: unknown, { url, socketTimeoutMs: socketTimeout, connection }: Making): RedisClient {
  const { createClient } = library as { createClient(options: object): RedisClient };
  const socket = { connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout, reconnectStrategy: backoff };
  const client = createClient({ url, disableOfflineQueue: true, ...connection, socket: { ...socket, ...Object(connection['socket']) } });
  client.connect().catch(() => undefined); // it says so in an event too
  return client;
}

/** In the order in which they are looked for. */
export const LIBRARIES: readonly ClientLibrary[] = [
  { name: 'ioredis', load: () => import('ioredis'), make: makeIoredis },
  { name: 'redis', load: () => import('redis'), make: makeNodeRedis },
  { name: 'iovalkey', load: () => import('iovalkey'), make: makeIoredis },
];

function isMissing(error: unknown): boolean {
  const { code } = Object(error) as { readonly code?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}

/** @throws ResilienceConfigError where none is installed. */
async function firstOf(libraries: readonly ClientLibrary[], making: Making): Promise<RedisClient> {
  for (const { load, make } of libraries) {
    try {
      return make(await load(), making);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  const names = libraries.map(({ name }) => name).join(', ');
  throw new ResilienceConfigError([
    `a store by url needs one of ${names}, and none of them is installed: npm install ${libraries[0]!.name}`,
  ]);
}

/** The client of a URL: libraries are loaded only where somebody wants them, so there is a moment in which there is none yet. */
export class ClientOfUrl implements StoreClient {
  readonly label = 'url';
  readonly isCluster = false;
  private loading: Promise<void> | undefined;
  private client: StoreClient | undefined;
  private isClosed = false;

  constructor(
    private readonly making: Making,
    private readonly libraries: readonly ClientLibrary[] = LIBRARIES,
  ) {}

  begin(): void {
    this.load().catch(() => undefined); // the start asks for it
  }

  /** @throws ResilienceConfigError where no library is installed. */
  load(): Promise<void> {
    this.loading ??= this.make();
    return this.loading;
  }

  get isReady(): boolean {
    return this.client?.isReady ?? false;
  }

  get lastError(): string | undefined {
    return this.client?.lastError;
  }

  readonly send: StoreClient['send'] = (key, words) => this.client!.send(key, words);

  reconnect(): void {
    this.client?.reconnect();
  }

  subscriber(): StoreSubscriber {
    return this.client!.subscriber();
  }

  private async make(): Promise<void> {
    // The libraries know it by the name of Redis alone.
    const url = this.making.url.replace(/^valkey/, 'redis');
    this.client = recognise(await firstOf(this.libraries, { ...this.making, url }), true);
    if (this.isClosed) this.client.close();
  }

  close(): void {
    this.isClosed = true;
    this.client?.close();
  }
}
