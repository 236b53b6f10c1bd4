/** How long a client may be without a connection before it is made to try anew; doubles with each try ... */
const PATIENCE_MS = 700;
/** ... up to this, so that a server that is slow to let somebody in is reached in the end. */
const MOST_PATIENCE_MS = 5600;

/** Something that connects by itself, more or less. */
export interface Connecting {
  readonly isReady: boolean;
  reconnect(): void;
}

/** What follows from a change. */
export interface LinkOwner {
  ready(): void;
  lost(): void;
}

/**
 * THE STATES OF A CONNECTION. It is looked at, as clients tell of their changes in ways of their own, and of some not at all.
 *
 *     connecting --- the client says ready ----------> ready
 *     connecting --- 700 ms, 1.4 s, ... 5.6 s -------> connecting, made anew
 *     ready -------- the client says no more --------> connecting
 *     ready -------- renew(): it has fallen silent --> connecting, made anew
 *     any ---------- close() ------------------------> closed
 */
export class Link {
  state: 'connecting' | 'ready' | 'closed' = 'connecting';
  private since: number | undefined;
  private patienceMs = PATIENCE_MS;

  constructor(
    private readonly client: Connecting,
    private readonly owner: LinkOwner,
  ) {}

  /** Looks at the client: to be called before anything is sent, and every now and then. */
  look(now: number): void {
    this.since ??= now;
    const { isReady } = this.client;
    if (this.state === 'connecting' && isReady) {
      this.state = 'ready';
      this.patienceMs = PATIENCE_MS;
      this.owner.ready();
    } else if (this.state === 'ready' && !isReady) this.lose(now);
    else if (this.state === 'connecting' && now - this.since >= this.patienceMs) {
      this.patienceMs = Math.min(2 * this.patienceMs, MOST_PATIENCE_MS);
      this.since = now;
      this.client.reconnect();
    }
  }

  /** The client believes in a connection on which nobody answers. */
  renew(now: number): void {
    if (this.state !== 'ready') return;
    this.client.reconnect();
    this.lose(now);
  }

  close(): void {
    this.state = 'closed';
  }

  private lose(now: number): void {
    this.state = 'connecting';
    this.since = now;
    this.owner.lost();
  }
}
