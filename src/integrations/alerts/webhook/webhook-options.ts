import type { Clock, Duration } from '../../../core.js';
import { callback, duration, integer, Problems, readSettings, rule, type Rule, type Rules } from '../../../options/index.js';
import type { Alert } from '../alert.js';
import { MAX_SECRETS } from './signature.js';

/** What sends a request: `fetch`, or what is called like it. */
export type SendRequest = (url: string, init: RequestInit) => Promise<Response>;

/** Where alerts go by `POST`, and how hard it is tried. */
export interface WebhookChannelOptions {
  /** Without a user name and password: those belong into `headers`. */
  readonly url: string;
  /**
   * Signs each request (HMAC-SHA256), so that the receiver knows who it is from: see `verifySignature`. While a secret is changed, a
   * list of the new and the old one: a receiver that knows either accepts. Leave it out for requests without a signature.
   */
  readonly secret?: string | readonly string[];
  /** Sent besides, or instead of what is sent by itself; the signature stays. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * What is sent, as JSON; may be a promise. Default: the alert as it is.
   */
  readonly body?: (alert: Alert) => unknown;
  /**
   * Sends the request: for a proxy, a certificate authority or a client certificate of your own. Default: the global `fetch`.
   */
  readonly fetch?: SendRequest;
  /**
   * For each attempt.
   * @default '5s'
   */
  readonly timeout?: Duration;
  /** @default 5 */
  readonly maxAttempts?: number;
  /**
   * Alerts that wait to be delivered; where there are more, the oldest of the lowest severity is dropped.
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

/** The options, checked; durations in milliseconds. */
export interface WebhookSettings {
  readonly url: string;
  readonly secrets: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: (alert: Alert) => unknown;
  readonly fetch?: SendRequest;
  readonly timeout: number;
  readonly maxAttempts: number;
  readonly maxQueue: number;
  readonly drainTimeout: number;
  readonly clock?: Clock;
}

/** Like `rule`, but what was given is not shown: it may be a secret. */
function secretly<Value>(expects: string, accept: (value: unknown) => Value | undefined): Rule<Value> {
  return {
    expects,
    read(value, path, problems) {
      const accepted = accept(value);
      const got = typeof value === 'string' ? (value === '' ? 'an empty text' : 'another text') : value === null ? 'null' : typeof value;
      if (accepted === undefined) problems.add(`${path} must be ${expects}, got ${got} (which is not shown here)`);
      return accepted;
    },
  };
}

const isSecret = (value: unknown): value is string => typeof value === 'string' && value !== '';

function secretsOf(value: unknown): readonly string[] | undefined {
  const secrets: readonly unknown[] = Array.isArray(value) ? value : [value];
  return secrets.length > 0 && secrets.length <= MAX_SECRETS && secrets.every(isSecret) ? secrets : undefined;
}

function urlOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' ? value : undefined;
}

function headersOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (!Object.values(value).every((text) => typeof text === 'string')) return undefined;
  try {
    return Object.fromEntries(new Headers(value as Record<string, string>));
  } catch {
    return undefined; // A name or a value that no header can have.
  }
}

const isClock = (value: unknown): value is Clock =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Clock>).setTimer === 'function';

const RULES: Rules = {
  url: secretly('an http or https URL without a user name and password', urlOf),
  secret: secretly(`a text that is not empty, or a list of up to ${MAX_SECRETS} of them`, secretsOf),
  headers: secretly('an object of header names and their texts', headersOf),
  body: callback('(alert) => unknown'),
  fetch: callback('(url, init) => Promise<Response>'),
  timeout: duration({ default: '5s' }),
  maxAttempts: integer({ min: 1, max: 100, default: 5 }),
  maxQueue: integer({ min: 1, max: 100_000, default: 100 }),
  drainTimeout: duration({ zero: true, default: '2s' }),
  clock: rule('a clock', (value) => (isClock(value) ? value : undefined), { isFunction: true }),
};

/** Reads the options; gives what is wrong with them, all of it. */
export function readWebhookOptions(options: WebhookChannelOptions): { settings: WebhookSettings; problems: readonly string[] } {
  const problems = new Problems();
  const { secret = [], ...rest } = readSettings<WebhookSettings & { secret?: readonly string[] }>(RULES, options, problems, ['url']);
  // A variable that is not set: requests would go out without a signature, and nobody would know.
  if (Object.hasOwn(Object(options) as object, 'secret') && options.secret === undefined) {
    problems.add('secret must be a text that is not empty, got undefined; leave it out for requests without a signature');
  }
  return { settings: { ...rest, secrets: secret }, problems: problems.messages };
}
