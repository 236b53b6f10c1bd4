import { isErrorClass, type ErrorClass, type ErrorFilter, type FailureOptions } from '../options/failure-options.js';
import type { Environment } from './environment.js';
import type { Rejection } from './contract/rejection.js';
import { isResilienceError, isResilienceErrorClass } from './error.js';

/** The statuses below 500 that say nothing against the request: time-out, too early, too many. */
const TRANSIENT_CLIENT_STATUSES = new Set([408, 425, 429]);

/** What a filter knows of a call beside its error. */
export interface JudgedCall {
  readonly operationId?: string | undefined;
  /** As the caller gave them. */
  readonly args?: readonly unknown[] | undefined;
  /** The caller's own. */
  readonly signal?: AbortSignal | undefined;
}

/** A call whose attempt ended, as a layer is told. */
export interface EndedCall extends JudgedCall {
  readonly payload: unknown;
  /** Why it was rejected, where that is how it ended and nobody has looked at the error. */
  readonly rejection: Rejection | undefined;
}

/** Reads from an error; one that does not let itself be read says nothing. */
function readFrom<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** An error that says that somebody gave up: `AbortError` of the platform, `CanceledError` of Axios. */
function isAbortError(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  try {
    const { name, code } = error as { name?: unknown; code?: unknown };
    return name === 'AbortError' || code === 'ERR_CANCELED';
  } catch {
    return false; // it does not let itself be read
  }
}

/**
 * Whether an error is the caller's own abort: one that says that somebody gave up, after a signal of the caller's was aborted,
 * be it that of the call or one among its arguments. A method that gives up by a signal of its own (`AbortSignal.timeout` in
 * a client) has failed like any other.
 */
export function isCallersAbort(error: unknown, call: JudgedCall): boolean {
  if (!isAbortError(error)) return false;
  const { signal, args } = call; // only now: a call makes a list of its arguments for who reads them
  return signal?.aborted === true || (args?.some((arg) => readFrom(() => isAborted(arg)) === true) ?? false);
}

/** A signal that is aborted, or options that hold one. */
function isAborted(arg: unknown): boolean {
  if (typeof arg !== 'object' || arg === null) return false;
  const signal = arg instanceof AbortSignal ? arg : (arg as { signal?: unknown }).signal;
  return signal instanceof AbortSignal && signal.aborted;
}

/**
 * The default of `on`: every error but one that blames the request (a status of 400–499 other than 408, 425 and 429). What the
 * caller or the library itself aborts never gets here.
 */
export function isTransientError(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status < 400 || status > 499 || TRANSIENT_CLIENT_STATUSES.has(status);
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  try {
    const { status, statusCode, response } = error as { status?: unknown; statusCode?: unknown; response?: unknown };
    if (typeof status === 'number') return status;
    if (typeof statusCode === 'number') return statusCode;
    const ofResponse = typeof response === 'object' && response !== null ? (response as { status?: unknown }).status : undefined;
    return typeof ofResponse === 'number' ? ofResponse : undefined;
  } catch {
    return undefined; // it does not let itself be read
  }
}

type Match = (error: unknown, ...args: readonly unknown[]) => boolean;

/** The classes that a filter lists; undefined for a predicate. */
function classesOf(filter: ErrorFilter): readonly ErrorClass[] | undefined {
  if (isErrorClass(filter)) return [filter];
  return typeof filter === 'function' ? undefined : filter;
}

/** A filter as a function. A listed class matches a rejection that is not retryable only where it is one of our own. */
function matcher(filter: ErrorFilter, strict: boolean): Match {
  const classes = classesOf(filter);
  if (classes === undefined) return filter as Match;
  return (error) => {
    const guarded = strict && isOwnRejection(error);
    return classes.some((one) => error instanceof one && (!guarded || isResilienceErrorClass(one)));
  };
}

/** A rejection of the library that says of itself that trying again cannot help. */
function isOwnRejection(error: unknown): boolean {
  try {
    return isResilienceError(error) && !error.isRetryable;
  } catch {
    return false; // it does not let itself be read
  }
}

/** Answers whether an error or a value counts as a failure. A filter that throws, or gives a promise, is told and does not decide. */
export class FailureFilter {
  /** True where values are judged at all. */
  readonly judgesResults: boolean;
  private readonly on: Match | undefined;
  private readonly ignore: Match | undefined;
  private readonly listsClasses: boolean;

  /** @param excludeNonRetryable Leave out our own rejections that are not retryable, unless the filter names them. */
  constructor(
    private readonly options: FailureOptions,
    private readonly environment: Environment,
    private readonly label: string,
    private readonly excludeNonRetryable: boolean,
  ) {
    this.on = options.on === undefined ? undefined : matcher(options.on, excludeNonRetryable);
    this.ignore = options.ignore === undefined ? undefined : matcher(options.ignore, false);
    this.listsClasses = options.on !== undefined && classesOf(options.on) !== undefined;
    this.judgesResults = options.onResult !== undefined;
  }

  isFailure(error: unknown, call: JudgedCall): boolean {
    if (isCallersAbort(error, call) || this.ignores(error, call)) return false;
    if (this.on === undefined) return this.countsByDefault(error);
    return this.ask(
      'on',
      call,
      () => this.on!(error, ...(call.args ?? [])),
      () => this.countsByDefault(error),
    );
  }

  /** The same of what a call ended with. The error of a rejection is made only where somebody's filter wants to see it. */
  isFailedCall(call: EndedCall): boolean {
    const { rejection } = call;
    if (rejection === undefined || this.on !== undefined || this.ignore !== undefined) return this.isFailure(call.payload, call);
    return !this.excludeNonRetryable || rejection.isRetryable;
  }

  /** True for an error that `ignore` names. */
  ignores(error: unknown, call: JudgedCall): boolean {
    const { ignore } = this;
    if (ignore === undefined) return false;
    return this.ask(
      'ignore',
      call,
      () => ignore(error, ...(call.args ?? [])),
      () => false,
    );
  }

  /** True for a value that counts as a failure. */
  rejects(value: unknown, call: JudgedCall): boolean {
    const { onResult } = this.options;
    return (
      onResult !== undefined &&
      this.ask(
        'onResult',
        call,
        () => onResult(value),
        () => false,
      )
    );
  }

  /** A rejection that no new try can help, which nobody asked for by its class: a predicate that says yes to all does not mean it. */
  isUnwanted(error: unknown): boolean {
    return !this.listsClasses && isOwnRejection(error);
  }

  private countsByDefault(error: unknown): boolean {
    return isTransientError(error) && !(this.excludeNonRetryable && isOwnRejection(error));
  }

  private ask(option: string, call: JudgedCall, question: () => boolean, otherwise: () => boolean): boolean {
    return this.environment.ask(`${this.label} ${option}`, call.operationId, question, otherwise);
  }
}
