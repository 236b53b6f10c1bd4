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
  /** Connects, where it does not do so by itself. */
  begin?(): void;
  /** What it complained of last, for messages. */
  readonly lastError: string | undefined;
  /** Sends a command to the server that has the key. Texts come back as Buffers. May throw. */
  send(key: string, words: readonly CommandWord[]): Promise<unknown>;
  /** Gives up the sockets that it has, and connects anew. */
  reconnect(): void;
  /** Another client to the same servers that is ours alone, to listen to what is published. */
  subscriber(): StoreSubscriber;
  /** Lets go of it: one that is ours ends at once, another lives on. */
  close(): void;
}

/** What clients tell by events; each library says it in types of its own. */
export interface Emitting {
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

export function emitting(client: object): Emitting {
  return client as Emitting;
}

/** Keeps the last of a client's complaints, which come as events; without a listener some of them end the process. */
export class Complaints {
  last: string | undefined;

  readonly listener = (error: unknown): void => {
    const { message, code } = Object(error) as { readonly message?: unknown; readonly code?: unknown };
    // An error of several addresses has no message of its own.
    this.last = [message, code].find((text): text is string => typeof text === 'string' && text !== '');
  };
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
