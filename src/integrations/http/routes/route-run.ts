import { concat, concatMap, defer, EMPTY, finalize, Observable, of, throwError, type Subscription } from 'rxjs';
import { whenClosed, whenGone } from '../when-gone.js';

/** A handler answered by itself, with a status that is a failure to who protects the route; the client has its answer. */
export class AnsweredByHand extends Error {
  constructor(readonly status: number) {
    super(`answered with the status ${status}`);
  }
}

/** How one request goes through the protection of its route: what the handler gives, and what the client does meanwhile. */
export class RouteRun {
  private running = 0;
  private isGone = false;
  private leave: () => void = () => undefined;

  constructor(private readonly response: object & { readonly statusCode?: number }) {}

  /** The handler as it is protected: its values, then a failure where the status that it set is one. */
  attempt(handle: () => Observable<unknown>): Observable<unknown> {
    return defer(() => {
      this.running++;
      return concat(
        handle().pipe(concatMap((value) => (isFile(value) ? concat(of(value), this.untilClosed()) : of(value)))),
        defer(() => this.failureByStatus()),
      ).pipe(finalize(() => this.attemptEnded()));
    });
  }

  /**
   * What Nest gets of it. Who waits (in a queue, for a permit, for the next attempt) for a client that has gone leaves; a handler that
   * runs goes on, as nobody can stop it, and holds what it holds. A file is handed out at once, and its call ends when it is sent.
   */
  answer(isProtected: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      let sends = false;
      const subscription: Subscription = isProtected.subscribe({
        next: (value) => {
          sends = isFile(value);
          subscriber.next(value);
          if (sends) subscriber.complete();
        },
        error: (error: unknown) => {
          if (error instanceof AnsweredByHand) subscriber.complete();
          else subscriber.error(error);
        },
        complete: () => subscriber.complete(),
      });
      this.leave = () => {
        subscription.unsubscribe();
        subscriber.complete();
      };
      const forget = whenGone(this.response, () => {
        this.isGone = true;
        if (this.running === 0) this.leave();
      });
      return () => {
        forget();
        if (!sends) subscription.unsubscribe();
      };
    });
  }

  /** Not from inside of the attempt's own end: the protection hears of that first. */
  private attemptEnded(): void {
    this.running--;
    queueMicrotask(() => {
      if (this.isGone && this.running === 0) this.leave();
    });
  }

  private untilClosed(): Observable<never> {
    return new Observable((subscriber) => whenClosed(this.response, () => subscriber.complete()));
  }

  private failureByStatus(): Observable<never> {
    const { statusCode = 200 } = this.response;
    return statusCode >= 500 ? throwError(() => new AnsweredByHand(statusCode)) : EMPTY;
  }
}

/** A `StreamableFile` of whichever copy of Nest. */
export function isFile(value: unknown): boolean {
  const { getStream, getHeaders } = (value ?? {}) as { getStream?: unknown; getHeaders?: unknown };
  return typeof getStream === 'function' && typeof getHeaders === 'function';
}
