import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  createResilience,
  isTransientError,
  parseDuration,
  policies,
  systemClock,
  type Clock,
  type Duration,
  type Policy,
  type Resilience,
} from '../core.js';
import { wallTimeOf } from '../engine/clock.js';
import type { Alert, AlertChannel } from './alert.js';

/** Where alerts go by `POST`, and how hard it is tried. */
export interface WebhookChannelOptions {
  readonly url: string;
  /** Signs each request (HMAC-SHA256), so that the receiver knows who it is from: see `verifySignature`. */
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * What is sent, as JSON. Default: the alert as it is.
   */
  readonly body?: (alert: Alert) => unknown;
  /**
   * For each attempt.
   * @default '5s'
   */
  readonly timeout?: Duration;
  /** @default 5 */
  readonly maxAttempts?: number;
  /**
   * Alerts that wait to be delivered; where there are more, the oldest is dropped.
   * @default 100
   */
  readonly maxQueue?: number;
  /**
   * How long a shutdown waits for the queue to empty.
   * @default '2s'
   */
  readonly drainTimeout?: Duration;
  /** For tests. */
  readonly clock?: Clock;
}

/** A channel whose alerts are posted. `send` rejects where an alert could not be delivered, or was dropped. */
export interface WebhookChannel extends AlertChannel {
  send(alert: Alert): Promise<void>;
  close(): Promise<void>;
}

/** The header with the signature: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`. */
export const SIGNATURE_HEADER = 'X-Resilience-Signature';

/** The receiver said no. Its answer's headers are there for `Retry-After`. */
class DeliveryError extends Error {
  readonly response: { readonly headers: Headers };

  constructor(
    readonly status: number,
    headers: Headers,
  ) {
    super(`the receiver answered ${status}`);
    this.response = { headers };
  }
}

/**
 * Posts alerts as JSON, one after the other: signed, with an `Idempotency-Key` that stays the same over attempts, tried again where
 * that may help, from a queue that is bounded.
 */
export function webhookChannel(options: WebhookChannelOptions): WebhookChannel {
  return new Webhook(options);
}

class Webhook implements WebhookChannel {
  readonly name: string;
  private readonly queue: { readonly alert: Alert; readonly settle: (error?: unknown) => void }[] = [];
  private readonly resilience: Resilience;
  private readonly policy: Policy;
  private busy = false;
  private readonly stop = new AbortController();
  private emptied: () => void = () => undefined;

  constructor(private readonly options: WebhookChannelOptions) {
    const { url, clock, timeout = '5s', maxAttempts = 5 } = options;
    this.name = `webhook ${new URL(url).host}`;
    this.resilience = createResilience(clock === undefined ? {} : { clock });
    this.policy = policies.combine(
      policies.retry({ maxAttempts, backoff: { initialDelay: '500ms', maxDelay: '30s' }, on: isTransientError }),
      policies.timeout(timeout),
    );
  }

  send(alert: Alert): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
      this.queue.push({ alert, settle });
      if (this.queue.length > (this.options.maxQueue ?? 100)) {
        this.queue.shift()!.settle(new Error('dropped: too many alerts wait to be delivered'));
      }
      void this.work();
    });
  }

  async close(): Promise<void> {
    const { drainTimeout = '2s', clock = systemClock } = this.options;
    if (this.busy) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(resolve, parseDuration(drainTimeout)!, true);
        this.emptied = () => {
          clock.clearTimer(timer);
          resolve();
        };
      });
    }
    const end = new Error('the application shuts down');
    for (const { settle } of this.queue.splice(0)) settle(end);
    this.stop.abort(end);
    this.resilience.close();
  }

  private async work(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      const { alert, settle } = next;
      await this.resilience
        .execute(this.policy, ({ signal }) => this.post(alert, signal), { name: 'deliver', signal: this.stop.signal })
        .then(() => settle(), settle);
    }
    this.busy = false;
    this.emptied();
  }

  private async post(alert: Alert, signal: AbortSignal): Promise<void> {
    const { url, secret, headers, body: make = (same) => same, clock = systemClock } = this.options;
    const body = JSON.stringify(make(alert));
    const time = Math.floor(wallTimeOf(clock) / 1000);
    const signature = secret === undefined ? {} : { [SIGNATURE_HEADER]: `t=${time},v1=${sign(time, body, secret)}` };
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': alert.id, ...headers, ...signature },
      body,
      signal,
      redirect: 'error',
    });
    await response.body?.cancel();
    if (!response.ok) throw new DeliveryError(response.status, response.headers);
  }
}

function sign(time: number, body: string, secret: string): string {
  return createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
}

/** For receivers: whether a request was signed with the secret, at most so long ago (`'5m'`, against replays). */
export function verifySignature(
  body: string,
  header: string | undefined,
  secret: string,
  tolerance: Duration = '5m',
  clock = systemClock,
): boolean {
  const [, time, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? [];
  if (time === undefined || given === undefined) return false;
  const isFresh = Math.abs(wallTimeOf(clock) - Number(time) * 1000) <= parseDuration(tolerance)!;
  return isFresh && timingSafeEqual(Buffer.from(given), Buffer.from(sign(Number(time), body, secret)));
}
