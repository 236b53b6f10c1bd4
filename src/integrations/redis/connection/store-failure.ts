import { StoreTimeoutError, StoreUnavailableError } from './store.error.js';

/**
 * By these a server says that it cannot do its work just now, or not for us. Inside of a script, Redis 6.2 puts them behind other
 * words, with a `-` before them.
 */
const UNABLE =
  /(?:^|[\s:]-)(LOADING|READONLY|OOM|MISCONF|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|BUSY|TRYAGAIN|MOVED|ASK|CROSSSLOT|UNBLOCKED|max number of clients)\b/;

/** Every error of a server begins with a word in capitals; those of clients and sockets do not. */
const FROM_SERVER = /^[A-Z][A-Z0-9]*(?=\s|$)/;

/** What an error means: the store is out of order, or it works and something else is wrong. */
export type Failure = 'timeout' | 'unreachable' | 'unable' | undefined;

export function failureOf(error: unknown): Failure {
  if (error instanceof StoreTimeoutError) return 'timeout';
  // What policies get to see has the error of the client as its cause.
  if (error instanceof StoreUnavailableError) return error.cause === undefined ? 'unreachable' : failureOf(error.cause);
  if (!(error instanceof Error)) return 'unreachable';
  if (UNABLE.test(error.message)) return 'unable';
  return FROM_SERVER.test(error.message) ? undefined : 'unreachable';
}

/** The server that a client knows as the primary is none (any more): the client has to look for the new one. */
export function isDemoted(error: unknown): boolean {
  return error instanceof Error && /(?:^|[\s:]-)READONLY\b/.test(error.message);
}

/** What policies get to see of any failure of the store. */
export function asStoreError(error: unknown, command: string): Error {
  const failure = failureOf(error);
  if (failure === undefined || error instanceof StoreUnavailableError || error instanceof StoreTimeoutError) return error as Error;
  const wrapped = new StoreUnavailableError(`${command}: ${error instanceof Error ? error.message : 'the store failed'}`, {});
  wrapped.cause = error;
  return wrapped;
}
