import { Complaints, emitting, type StoreClient, type StoreSubscriber } from './store-client.js';

interface Stream {
  destroy(): unknown;
}

/** What clients of `ioredis` and `iovalkey` have in common, be they of one server, of Sentinels or of a Cluster. */
export interface IoredisClient {
  readonly status: string;
  readonly isCluster?: boolean;
  readonly options: object;
  callBuffer(command: string, ...args: (string | Buffer)[]): Promise<unknown>;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  duplicate(...args: never[]): unknown;
}

/** What there is beside, and no type of a client says. */
interface Inside {
  readonly stream?: Stream;
  nodes?(role: 'all'): readonly { readonly stream?: Stream }[];
  subscribe(channel: string): Promise<unknown>;
}

const ignore = (): void => undefined;

export function isIoredis(client: object): client is IoredisClient {
  const { status, callBuffer, disconnect, duplicate } = client as Partial<IoredisClient>;
  return typeof status === 'string' && [callBuffer, disconnect, duplicate].every((method) => typeof method === 'function');
}

/** A socket that nobody answers on is not asked to close, as that would wait for an answer. */
function cut(client: IoredisClient, reconnect: boolean): void {
  // See `Inside`.
  const { stream, nodes } = client as unknown as Inside;
  const streams = client.isCluster === true ? (nodes?.call(client, 'all') ?? []).map((node) => node.stream) : [stream];
  client.disconnect(reconnect);
  for (const one of streams) one?.destroy();
}

function renew(client: IoredisClient): void {
  if (client.status === 'end' || client.status === 'wait') client.connect().catch(ignore);
  else cut(client, true);
}

function end(client: IoredisClient): void {
  if (client.status !== 'end') cut(client, false);
}

export function ioredisClient(client: IoredisClient, isOurs: boolean): StoreClient {
  const complaints = new Complaints();
  emitting(client).on('error', complaints.listener);
  return {
    label: client.isCluster === true ? 'ioredis Cluster' : 'ioredis',
    isCluster: client.isCluster === true,
    get isReady() {
      return client.status === 'ready';
    },
    get lastError() {
      return complaints.last;
    },
    send: (_key, [name, ...words]) => client.callBuffer(name as string, ...words),
    reconnect: () => renew(client),
    subscriber: () => ioredisSubscriber(copyOf(client)),
    close: () => (isOurs ? end(client) : emitting(client).off('error', complaints.listener)),
  };
}

function copyOf(client: IoredisClient): IoredisClient {
  const own = { enableOfflineQueue: false, autoResubscribe: false, lazyConnect: false };
  return (client.isCluster === true ? client.duplicate(...([[], own] as never[])) : client.duplicate(own as never)) as IoredisClient;
}

function ioredisSubscriber(client: IoredisClient): StoreSubscriber {
  const listeners = new Map<string, (message: Buffer) => void>();
  emitting(client).on('error', ignore);
  emitting(client).on('messageBuffer', (channel: Buffer, message: Buffer) => listeners.get(channel.toString())?.(message));
  return {
    get isReady() {
      return client.status === 'ready';
    },
    subscribe(channel, listener) {
      listeners.set(channel, listener);
      // See `Inside`.
      return (client as unknown as Inside).subscribe(channel);
    },
    ping: () => client.callBuffer('PING'),
    reconnect: () => renew(client),
    close: () => end(client),
  };
}
