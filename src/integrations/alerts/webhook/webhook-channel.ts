import {
  createResilience,
  isTransientError,
  policies,
  ResilienceConfigError,
  systemClock,
  type Clock,
  type Policy,
  type Resilience,
} from '../../../core.js';
import type { Alert, AlertChannel } from '../alert.js';
import { AlertQueue } from './alert-queue.js';
import { SIGNATURE_HEADER, signatureOf } from './signature.js';
import { readWebhookOptions, type WebhookChannelOptions, type WebhookSettings } from './webhook-options.js';

/** A channel whose alerts are posted. `send` rejects where an alert could not be delivered, or was dropped. */
export interface WebhookChannel extends AlertChannel {
  send(alert: Alert): Promise<void>;
  close(): Promise<void>;
  problems(): readonly string[];
}

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

/** There is nothing to send. Trying again would not help. */
class BodyError extends Error {}

/**
 * Posts alerts as JSON, one after the other and the most severe first: signed, with an `Idempotency-Key` that stays the same over
 * attempts, tried again where that may help, from a queue that is bounded. What is wrong with the options is told when the
 * application starts.
 */
export function webhookChannel(options: WebhookChannelOptions): WebhookChannel {
  const { settings, problems } = readWebhookOptions(options);
  return problems.length === 0 ? new Webhook(settings) : new MisconfiguredWebhook(problems);
}

/** Its mistakes are told at startup; whoever uses it without the module hears of them from `send`. */
class MisconfiguredWebhook implements WebhookChannel {
  readonly name = 'webhook';

  constructor(private readonly mistakes: readonly string[]) {}

  problems(): readonly string[] {
    return this.mistakes;
  }

  send(): Promise<void> {
    return Promise.reject(new ResilienceConfigError(this.mistakes.map((mistake) => `webhookChannel: ${mistake}`)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class Webhook implements WebhookChannel {
  readonly name: string;
  private readonly queue: AlertQueue;
  private readonly clock: Clock;
  private readonly resilience: Resilience;
  private readonly policy: Policy;
  private busy = false;
  private closed: Promise<void> | undefined;
  private readonly stop = new AbortController();
  private emptied: () => void = () => undefined;

  constructor(private readonly settings: WebhookSettings) {
    const { url, clock = systemClock, timeout, maxAttempts, maxQueue } = settings;
    this.name = `webhook ${new URL(url).host}`;
    this.queue = new AlertQueue(maxQueue);
    this.clock = clock;
    this.resilience = createResilience({ clock });
    this.policy = policies.combine(
      policies.retry({ maxAttempts, backoff: { initialDelay: '500ms', maxDelay: '30s' }, on: isTransientError, ignore: BodyError }),
      policies.timeout(timeout),
    );
  }

  problems(): readonly string[] {
    return [];
  }

  send(alert: Alert): Promise<void> {
    if (this.stop.signal.aborted) return Promise.reject(this.stop.signal.reason as Error);
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => (error === undefined ? resolve() : reject(this.redacted(error)));
      const dropped = this.queue.push({ alert, settle });
      dropped?.settle(new Error('dropped: too many alerts wait to be delivered'));
      this.deliverNext();
    });
  }

  close(): Promise<void> {
    return (this.closed ??= this.drain());
  }

  private async drain(): Promise<void> {
    if (this.busy) {
      await new Promise<void>((resolve) => {
        const timer = this.clock.setTimer(resolve, this.settings.drainTimeout, true);
        this.emptied = () => {
          this.clock.clearTimer(timer);
          resolve();
        };
      });
    }
    const end = new Error('the application shuts down');
    this.stop.abort(end);
    for (const { settle } of this.queue.clear()) settle(end);
    await this.resilience.close();
  }

  private deliverNext(): void {
    if (this.busy) return;
    const next = this.queue.shift();
    if (next === undefined) return this.emptied();
    this.busy = true;
    const ended = (error?: unknown): void => {
      this.busy = false;
      next.settle(error);
      this.deliverNext();
    };
    this.resilience
      .execute(this.policy, ({ signal }) => this.post(next.alert, signal), { name: 'deliver', signal: this.stop.signal })
      .then(() => ended(), ended);
  }

  private async post(alert: Alert, signal: AbortSignal): Promise<void> {
    const { url, secrets, headers: own, fetch: request = fetch } = this.settings;
    const body = await this.bodyOf(alert);
    const headers = new Headers({ 'Content-Type': 'application/json', 'Idempotency-Key': `"${encodeURIComponent(alert.id)}"` });
    for (const [name, value] of Object.entries(own ?? {})) headers.set(name, value);
    if (secrets.length > 0) headers.set(SIGNATURE_HEADER, signatureOf(body, secrets, this.clock));
    const response = await request(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    // Nobody reads the answer; one whose body cannot be cancelled was an answer all the same.
    await response.body?.cancel().catch(() => undefined);
    if (!response.ok) throw new DeliveryError(response.status, response.headers);
  }

  private async bodyOf(alert: Alert): Promise<string> {
    const { body: make = (same) => same } = this.settings;
    try {
      const body = JSON.stringify(await make(alert)) as string | undefined;
      if (body !== undefined) return body;
    } catch (cause) {
      throw new BodyError(`body threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    throw new BodyError('body gave nothing that can be JSON');
  }

  /** Errors of a client may name the whole URL, whose path is the secret of many a receiver. */
  private redacted(error: unknown): unknown {
    const { url } = this.settings;
    const { pathname, search } = new URL(url);
    const secrets = [url, new URL(url).href, `${pathname}${search}`].filter((text) => text.length > 1);
    if (!(error instanceof Error) || !secrets.some((text) => error.message.includes(text))) return error;
    return new Error(secrets.reduce((message, text) => message.replaceAll(text, '...'), error.message));
  }
}
