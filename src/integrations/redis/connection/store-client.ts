/** What is sent: the words of a command. */
export type CommandWord = string | Buffer;

/** A client library's client, as far as the store needs it. Nothing here waits or judges: that is the connection's work. */
export interface StoreClient {
  /** What it is, for messages: `ioredis`, `node-redis cluster`. */
  readonly label: string;
  /** Whether it has several servers, each of which can fail by itself. */
  readonly isCluster: boolean;
  /** Whether what is sent now goes out at once. */
  readonly isReady: boolean;
  /** Sends a command to the server that has the key. Texts come back as Buffers. May throw. */
  send(key: string, words: readonly CommandWord[]): Promise<unknown>;
  /** Gives up the sockets that it has, and connects anew. */
  reconnect(): void;
  /** Another client to the same servers that is ours alone, to listen to what is published. */
  subscriber(): StoreSubscriber;
  /** Lets go of it; it lives on. */
  release(): void;
  /** Ends it at once. Called only on a client that is ours. */
  close(): void;
}

/** A connection that only listens. */
export interface StoreSubscriber {
  readonly isReady: boolean;
  /** Listens to a channel, until the connection is lost. Rejects where it could not be said just now. */
  subscribe(channel: string, listener: (message: Buffer) => void): Promise<unknown>;
  /** Whether it still hears. */
  ping(): Promise<unknown>;
  reconnect(): void;
  close(): void;
}
