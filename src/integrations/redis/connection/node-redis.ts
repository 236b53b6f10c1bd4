import { Complaints, emitting, type CommandWord, type StoreClient, type StoreSubscriber } from './store-client.js';

/** What clients of `redis` (node-redis) have in common. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  readonly isReady?: boolean;
  connect(): Promise<unknown>;
  destroy(): unknown;
  duplicate(...args: never[]): unknown;
  sendCommand(...args: never[]): Promise<unknown>;
}

/** How each of its forms is given a command. */
interface Forms {
  readonly single: (words: readonly CommandWord[], options: object) => Promise<unknown>;
  readonly cluster: (key: string, isReadonly: boolean, words: readonly CommandWord[], options: object) => Promise<unknown>;
  readonly sentinel: (isReadonly: boolean, words: readonly CommandWord[], options: object) => Promise<unknown>;
}

interface Subscribing {
  subscribe(channel: string, listener: (message: Buffer) => void, asBuffer: true): Promise<unknown>;
}

/** The type of a text in the protocol (`$`): given as a Buffer, whatever the client gives else. */
const AS_BUFFERS = { typeMapping: { [36]: Buffer } };

const ignore = (): void => undefined;

export function isNodeRedis(client: object): client is NodeRedisClient {
  const { isOpen, connect, destroy, duplicate, sendCommand } = client as Partial<NodeRedisClient>;
  return typeof isOpen === 'boolean' && [connect, destroy, duplicate, sendCommand].every((method) => typeof method === 'function');
}

function formOf(client: object): keyof Forms {
  if ('getMasters' in client || ('masters' in client && 'getRandomNode' in client)) return 'cluster';
  return 'getSentinelNode' in client ? 'sentinel' : 'single';
}

function sender(client: NodeRedisClient): StoreClient['send'] {
  const send = client.sendCommand.bind(client) as unknown;
  const form = formOf(client);
  if (form === 'cluster') return (key, words) => (send as Forms['cluster'])(key, false, words, AS_BUFFERS);
  if (form === 'sentinel') return (_key, words) => (send as Forms['sentinel'])(false, words, AS_BUFFERS);
  return (_key, words) => (send as Forms['single'])(words, AS_BUFFERS);
}

/** It has no reconnect of its own: what ends it begins it anew. */
async function renew(client: NodeRedisClient): Promise<void> {
  if (client.isOpen) await client.destroy();
  await client.connect();
}

export function nodeRedisClient(client: NodeRedisClient, isOurs: boolean): StoreClient {
  const form = formOf(client);
  const complaints = new Complaints();
  emitting(client).on('error', complaints.listener);
  return {
    label: form === 'single' ? 'node-redis' : `node-redis ${form}`,
    isCluster: form === 'cluster',
    get isReady() {
      return client.isOpen && client.isReady !== false;
    },
    get lastError() {
      return complaints.last;
    },
    send: sender(client),
    reconnect: () => void renew(client).catch(ignore),
    subscriber: () => nodeRedisSubscriber(client.duplicate() as NodeRedisClient),
    close: () => (isOurs ? void ending(client) : emitting(client).off('error', complaints.listener)),
  };
}

/** Some forms throw, and some give a promise. */
function ending(client: NodeRedisClient): Promise<unknown> {
  return new Promise((resolve) => resolve(client.isOpen ? client.destroy() : undefined)).catch(ignore);
}

function nodeRedisSubscriber(client: NodeRedisClient): StoreSubscriber {
  emitting(client).on('error', ignore);
  client.connect().catch(ignore);
  return {
    get isReady() {
      return client.isOpen && client.isReady !== false;
    },
    // `NodeRedisClient` is what all forms of the client have in common, and each has its own types for this.
    subscribe: (channel, listener) => (client as unknown as Subscribing).subscribe(channel, listener, true),
    ping: () => (formOf(client) === 'single' ? sender(client)('', ['PING']) : Promise.resolve()),
    reconnect: () => void renew(client).catch(ignore),
    close: () => void ending(client),
  };
}
