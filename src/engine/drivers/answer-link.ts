import { promiseFor } from './promises.js';

/** What a handler gives whose call goes on: the promise of the handler is never settled, and nobody waits for it. */
const GOES_ON = {
  // It is given to promises on purpose, and only to them.
  // oxlint-disable-next-line unicorn/no-thenable
  then: () => undefined,
};

const RESOLVED = Promise.resolve();

/**
 * The native `resolve` and `reject` of the promise that a caller has, so that a call of several attempts needs no async function.
 * V8 finds the caller's frames of an error by following from promise to promise: each attempt is tied to the caller's promise
 * by these two before it can fail, `promise.then(ours, ours).then(resolve, reject)`, and is begun from a handler whose own
 * promise is tied so.
 *
 * A promise that `then` made does not give them away. Where the first attempt had no link, its handler gives a new one:
 * resolving a promise with a thenable hands it both.
 */
export class AnswerLink {
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;

  /** @param goOn Begins the next attempt, where the link is made in the middle of a call. */
  constructor(private readonly goOn?: () => unknown) {}

  /** The promise for a caller whose call has just begun. */
  open(): Promise<unknown> {
    return promiseFor(this);
  }

  /** Called by the promise of the caller, which was resolved with this. */
  // It is given to promises on purpose, and only to them.
  // oxlint-disable-next-line unicorn/no-thenable
  then(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
    this.resolve = resolve;
    this.reject = reject;
    // Not at once: V8 follows nothing from the job in which a thenable is called.
    this.tie(RESOLVED.then(this.goOn));
  }

  /** The caller gets what comes of it, unless it is GOES_ON. */
  tie(handled: Promise<unknown>): object {
    void handled.then(this.resolve, this.reject);
    return GOES_ON;
  }

  /** The caller gets the error: a handler that throws costs more. */
  fail(error: unknown): object {
    this.reject(error);
    return GOES_ON;
  }
}
