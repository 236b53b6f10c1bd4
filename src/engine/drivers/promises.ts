let resolveLatest: (value: unknown) => void;
let rejectLatest: (error: unknown) => void;
/** One executor for all promises: a closure for each would be paid by every call. */
const executor = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  resolveLatest = resolve;
  rejectLatest = reject;
};

/** A promise whose native `resolve` and `reject` go to somebody. */
export function promiseFor(holder: { resolve: (value: unknown) => void; reject: (error: unknown) => void }): Promise<unknown> {
  const promise = new Promise<unknown>(executor);
  holder.resolve = resolveLatest;
  holder.reject = rejectLatest;
  return promise;
}

/**
 * A promise that ends with the given one, or earlier by `reject`. The native `resolve` is handed to `then` as it is: V8
 * follows it for async stack traces, where it would stop at a function of ours.
 */
export function interruptible(pending: Promise<unknown>): {
  readonly promise: Promise<unknown>;
  readonly reject: () => void;
} {
  const promise = new Promise<unknown>(executor);
  const reject = rejectLatest;
  void pending.then(resolveLatest, reject);
  return { promise, reject: reject as () => void };
}

/** A rejection one microtask later: by then the caller listens, and Node need not track it as unhandled. */
export function rejectSoon(error: unknown): Promise<never> {
  const rejected = new Promise<unknown>(executor);
  const reject = rejectLatest;
  const following = rejected.then();
  reject(error);
  return following as Promise<never>;
}

/** Whether a value is to be waited for; functions with a `then` are. May throw, where `then` cannot be read. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as { then?: unknown }).then === 'function';
}

/**
 * Foreign thenables (query builders), and promises that have got a `then` of their own, may settle twice or throw: only a
 * native promise is taken as it is. May throw, where `constructor` or `then` cannot be read.
 */
export function asPromise(value: PromiseLike<unknown>): Promise<unknown> {
  const { constructor, then } = value as { constructor: unknown; then: unknown };
  // It is only compared, never called.
  // oxlint-disable-next-line typescript/unbound-method
  if (constructor === Promise && then === Promise.prototype.then) return value as Promise<unknown>;
  return new Promise((resolve) => resolve(value));
}

const ignore = (): void => undefined;

/** Nobody waits for it any more: that it fails is nothing to anybody. */
export function ignoreEnd(pending: Promise<unknown>): void {
  void pending.then(ignore, ignore);
}

/**
 * Looks at what a function of the user's gave where nobody waits for it. A promise is looked after: where it is rejected,
 * that is reported and ends no process.
 * @returns true for a promise, or something like one.
 */
export function lookAfter(result: unknown, report: (error: unknown) => void): boolean {
  if (typeof result !== 'object' && typeof result !== 'function') return false;
  try {
    if (!isThenable(result)) return false;
  } catch (error) {
    report(error); // its `then` cannot be read
    return true;
  }
  // Not `result.then(...)`: the `then` of a stranger may throw, or call back twice.
  void new Promise((resolve) => resolve(result)).then(undefined, report);
  return true;
}
