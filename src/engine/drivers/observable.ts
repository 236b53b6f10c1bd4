import { Observable } from 'rxjs';
import type { Method } from '../call/call.js';
import { ObservableRun, type ObservableOperation } from './observable-run.js';

/**
 * The protected form of a method that gives an Observable: each subscription is a call, each attempt calls the method
 * anew and subscribes to what it gives. An attempt ends when the source completes or fails; once a value was passed
 * on, nothing is tried again. Unsubscribing is the caller's abort.
 */
export function runObservable(
  operation: ObservableOperation,
  target: unknown,
  method: Method,
  args: readonly unknown[],
  signal?: AbortSignal,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const run = new ObservableRun(operation, subscriber);
    // Before the start: a caller may have enough while a source still gives its values in one turn.
    subscriber.add(run);
    run.start(target, method, args, signal);
  });
}
