import { from, isObservable, Observable, type ObservableInput, type Subscriber, type TeardownLogic } from 'rxjs';
import type { AttemptContext } from '../../engine/call/attempt-context.js';
import { isThenable } from '../../engine/drivers/promises.js';
import type { ProtectedOperation } from '../../engine/pipeline/protected-operation.js';
import type { Method, ProtectedMethod } from '../decoration/protected-method.js';

/** Runs a method that is not known to give promises. */
export function runObservableOrUnknown(
  method: ProtectedMethod,
  operation: ProtectedOperation,
  instance: unknown,
  args: readonly unknown[],
): unknown {
  if (method.returns === 'observable') return operation.observe(instance, method.original, args);
  return detect(method, operation, instance, args);
}

/**
 * A call of a method without a known type. Only what the method itself gives tells what it gives: where the call was
 * rejected, waits, or was answered by a fallback, the caller gets something that is both.
 */
function detect(method: ProtectedMethod, operation: ProtectedOperation, instance: unknown, args: readonly unknown[]): unknown {
  const { original, attemptAt } = method;
  let context: AttemptContext | undefined;
  let source: Observable<unknown> | undefined;
  let answered = false;
  let returned = false;
  const watched = function (this: unknown, ...given: unknown[]): unknown {
    const result = original.apply(this, given as never[]);
    if (isObservable(result)) {
      method.returns = 'observable';
      if (attemptAt !== undefined && args[attemptAt] === undefined) context = given[attemptAt] as AttemptContext;
      if (!answered) return result;
      // The caller has his answer already: this call ends with the Observable as its value, and each subscription is a call.
      source = result;
      return Promise.resolve(result);
    }
    if (isThenable(result)) {
      method.returns = 'promise';
      returned = true;
    }
    return result;
  };
  const readings = (given: Observable<unknown>): Observable<unknown> =>
    operation.observe(instance, givenOnce(given, method, context), args);
  const caller = new AbortController();
  const result = operation.runDetecting(instance, watched, args, caller.signal);
  answered = true;
  if (isObservable(result)) return readings(result);
  if (returned) return result;
  return new Undetermined(
    (result as Promise<unknown>).then((value) => (source !== undefined && value === source ? readings(source) : value)),
    () => runObservableOrUnknown(method, operation, instance, args) as ObservableInput<unknown>,
    (error) =>
      operation.pipeline.environment.callbackFailed(`what calls ${operation.id} neither awaits nor subscribes it, so it`, undefined, error),
    () => caller.abort(),
  );
}

/** A method whose first call has been made already, with the context that it was given then. */
function givenOnce(result: Observable<unknown>, { original, attemptAt }: ProtectedMethod, context: AttemptContext | undefined): Method {
  let given = false;
  return function (this: unknown, ...args: unknown[]) {
    if (given) return original.apply(this, args as never[]);
    given = true;
    if (context !== undefined) {
      const { signal } = args[attemptAt!] as AttemptContext;
      signal.addEventListener('abort', () => context.abandon(signal.reason), {
        once: true,
      });
    }
    return result;
  };
}

/**
 * The answer of a call that ended, or waits, before its method could tell whether it gives promises or Observables. The
 * first subscription is to this call; each further one is a call, as those of an Observable are. Awaited, it gives
 * what the method would have given. A rejection that nobody hears ends no process, and is told.
 */
class Undetermined extends Observable<unknown> implements PromiseLike<unknown> {
  private isSubscribed = false;
  private isAwaited = false;

  constructor(
    private readonly outcome: Promise<unknown>,
    private readonly callAgain: () => ObservableInput<unknown>,
    unheard: (error: unknown) => void,
    private readonly abort: () => void,
  ) {
    super((subscriber) => this.deliver(subscriber));
    outcome.catch((error: unknown) => {
      if (!this.isSubscribed && !this.isAwaited) unheard(error);
    });
  }

  // Being awaited is what it is for.
  // oxlint-disable-next-line unicorn/no-thenable
  then<Fulfilled = unknown, Rejected = never>(
    onFulfilled?: ((value: unknown) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((error: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    this.isAwaited = true;
    return this.outcome.then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(onRejected?: ((error: unknown) => Rejected | PromiseLike<Rejected>) | null): Promise<unknown> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<unknown> {
    this.isAwaited = true;
    return this.outcome.finally(onFinally);
  }

  private deliver(subscriber: Subscriber<unknown>): TeardownLogic {
    if (this.isSubscribed) return from(this.callAgain()).subscribe(subscriber);
    this.isSubscribed = true;
    let isOver = false;
    void this.outcome.then(
      (value) => {
        isOver = true;
        if (isObservable(value)) value.subscribe(subscriber);
        else {
          subscriber.next(value);
          subscriber.complete();
        }
      },
      (error: unknown) => {
        isOver = true;
        subscriber.error(error);
      },
    );
    return () => {
      if (!isOver && !this.isAwaited) this.abort();
    };
  }
}
