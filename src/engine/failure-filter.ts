import { isErrorClass, type ErrorFilter, type FailureOptions } from '../options/failure-options.js';
import type { Environment } from './environment.js';
import { isResilienceErrorClass, ResilienceError } from './error.js';

/** The statuses below 500 that say nothing against the request: time-out, too early, too many. */
const TRANSIENT_CLIENT_STATUSES = new Set([408, 425, 429]);

/** An error that says that somebody gave up: `AbortError` of the platform, `CanceledError` of Axios. */
export function isAbortError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'AbortError' || code === 'ERR_CANCELED';
}

/**
 * The default of `on`: every error but an abort and one that blames the request (a status of 400–499 other than 408, 425
 * and 429). What the library itself aborts never gets here: it is told as a timeout.
 */
export function isTransientError(error: unknown): boolean {
  if (isAbortError(error)) return false;
  const status = statusOf(error);
  return status === undefined || status < 400 || status > 499 || TRANSIENT_CLIENT_STATUSES.has(status);
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, statusCode, response } = error as { status?: unknown; statusCode?: unknown; response?: unknown };
  if (typeof status === 'number') return status;
  if (typeof statusCode === 'number') return statusCode;
  const ofResponse = typeof response === 'object' && response !== null ? (response as { status?: unknown }).status : undefined;
  return typeof ofResponse === 'number' ? ofResponse : undefined;
}

type Match = (error: unknown) => boolean;

/** A filter as a function. A listed class matches a rejection that is not retryable only where it is one of our own. */
function matcher(filter: ErrorFilter, strict: boolean): Match {
  const classes = isErrorClass(filter) ? [filter] : typeof filter === 'function' ? undefined : filter;
  if (classes === undefined) return filter as Match;
  return (error) => {
    const guarded = strict && isOurRefusal(error);
    return classes.some((one) => error instanceof one && (!guarded || isResilienceErrorClass(one)));
  };
}

/** A rejection of the library that says of itself that trying again cannot help. */
function isOurRefusal(error: unknown): boolean {
  return error instanceof ResilienceError && !error.isRetryable;
}

/** Answers whether an error or a value counts as a failure. A filter that throws is reported and does not decide. */
export class FailureFilter {
  /** True where values are judged at all. */
  readonly judgesResults: boolean;
  private readonly on: Match | undefined;
  private readonly ignore: Match | undefined;

  /** @param sparing Leave out our own rejections that are not retryable, unless the filter names them. */
  constructor(
    private readonly options: FailureOptions,
    private readonly environment: Environment,
    private readonly label: string,
    private readonly sparing: boolean,
  ) {
    this.on = options.on === undefined ? undefined : matcher(options.on, sparing);
    this.ignore = options.ignore === undefined ? undefined : matcher(options.ignore, false);
    this.judgesResults = options.onResult !== undefined;
  }

  counts(error: unknown, operationId: string | undefined): boolean {
    if (this.ignore !== undefined && this.ask(this.ignore, 'ignore', error, operationId, false)) return false;
    const byDefault = () => isTransientError(error) && !(this.sparing && isOurRefusal(error));
    return this.on === undefined ? byDefault() : this.ask(this.on, 'on', error, operationId, byDefault);
  }

  /** True for a value that counts as a failure. */
  rejects(value: unknown, operationId: string | undefined): boolean {
    const { onResult } = this.options;
    return onResult !== undefined && this.ask(onResult, 'onResult', value, operationId, false);
  }

  private ask(
    match: Match,
    option: string,
    subject: unknown,
    operationId: string | undefined,
    otherwise: boolean | (() => boolean),
  ): boolean {
    try {
      return match(subject);
    } catch (error) {
      this.environment.callbackFailed(`${this.label} ${option}`, operationId, error);
      return typeof otherwise === 'boolean' ? otherwise : otherwise();
    }
  }
}
