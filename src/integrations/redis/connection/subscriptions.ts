import { systemClock } from '../../../engine/clock.js';
import { Link } from './link.js';
import type { StoreSubscriber } from './store-client.js';

/** How often it is asked whether the other side still hears. */
const PING_MS = 1000;

/** So many pings without an answer. */
const UNANSWERED = 3;

type Listener = (message: Buffer) => void;

/**
 * What is published, on a connection of its own: one that listens can say nothing else. It is made for the first listener, and
 * after each loss all channels are listened to anew; what was published meanwhile is lost.
 */
export class Subscriptions {
  private readonly channels = new Map<string, Set<Listener>>();
  private subscriber: StoreSubscriber | undefined;
  private link: Link | undefined;
  private pingAt = 0;
  private unanswered = 0;

  constructor(
    private readonly make: () => StoreSubscriber,
    private readonly timeoutMs: number,
  ) {}

  /** Whether what is published is heard just now. */
  get isListening(): boolean {
    return this.link?.state === 'ready';
  }

  subscribe(channel: string, listener: Listener): () => void {
    const known = this.channels.get(channel);
    const listeners = known ?? new Set();
    listeners.add(listener);
    if (known === undefined) {
      this.channels.set(channel, listeners);
      if (this.isListening) this.listen(channel);
    }
    return () => listeners.delete(listener);
  }

  /** @param canConnect Whether there is a client to make another from. */
  look(now: number, canConnect: boolean): void {
    if (this.link === undefined && canConnect && this.channels.size > 0) this.open();
    this.link?.look(now);
    if (!this.isListening || now < this.pingAt) return;
    this.pingAt = now + PING_MS;
    if (this.unanswered++ >= UNANSWERED) this.link!.renew(now);
    else
      this.subscriber!.ping().then(
        () => (this.unanswered = 0),
        () => undefined, // not answered
      );
  }

  close(): void {
    this.link?.close();
    this.subscriber?.close();
    this.channels.clear();
  }

  private open(): void {
    this.subscriber = this.make();
    this.link = new Link(this.subscriber, { ready: () => this.listenToAll(), lost: () => undefined });
  }

  private listenToAll(): void {
    this.unanswered = 0;
    this.pingAt = systemClock.now() + this.timeoutMs;
    for (const channel of this.channels.keys()) this.listen(channel);
  }

  private listen(channel: string): void {
    const tell = (message: Buffer): void => {
      for (const listener of this.channels.get(channel) ?? []) listener(message);
    };
    // What could not be said now is said again on a new connection.
    this.subscriber!.subscribe(channel, tell).catch(() => this.link?.renew(systemClock.now()));
  }
}
