import { Observable, UnsubscriptionError, type Subscriber } from 'rxjs';
import type { AttemptContext } from '../../src/core.js';
import type { Attempt } from './scenario.js';
import { Boom, type Tracked } from './tracked.js';

/** What a method needs of the world around it. */
export interface Surroundings {
  /** Calls back after that time, once. */
  after(ms: number, callback: () => void): void;
  /** A run of the call's method has begun; what is given back ends it. */
  enter(call: Tracked): () => void;
  /** What is to be settled at the end, where nothing else did it. */
  settleAtEnd(settle: () => void): void;
  again(call: Tracked): void;
}

/** The method of a call as a Promise, or as what a careless user would return in its place. */
export function runPromise(around: Surroundings, call: Tracked, { way, ms }: Attempt, context: AttemptContext): unknown {
  const leave = around.enter(call);
  const plain = <T>(value: T): T => {
    leave();
    return value;
  };
  const later = (settle: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void): Promise<unknown> =>
    new Promise((resolve, reject) =>
      settle(
        (value) => (leave(), resolve(value)),
        (error) => (leave(), reject(error)),
      ),
    );
  switch (way) {
    case 'return':
      return plain(call.token);
    case 'throw':
      leave();
      throw new Boom(call.id);
    case 'resolve':
      break;
    case 'reject':
      return later((_resolve, reject) => around.after(ms, () => reject(new Boom(call.id))));
    case 'thenable':
      leave();
      return { then: (resolve: (value: unknown) => void) => resolve(call.token) };
    case 'twice':
      leave();
      return {
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          resolve(call.token);
          reject(new Boom(call.id));
          resolve(call.token);
        },
      };
    case 'throwing then':
      leave();
      return Object.defineProperty({}, 'then', {
        get() {
          throw new Boom(call.id);
        },
      });
    case 'hang':
      return later((resolve) => around.settleAtEnd(() => resolve(call.token)));
    case 'obey':
      return later((resolve, reject) => {
        context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true });
        around.settleAtEnd(() => resolve(call.token));
      });
    case 'abort':
      call.controller.abort(new Error('aborted by its own method'));
      break;
    case 'call':
      around.again(call);
  }
  return later((resolve) => around.after(ms, () => resolve(call.token)));
}

/** The same as an Observable. */
export function runObservable(around: Surroundings, call: Tracked, attempt: Attempt): Observable<unknown> {
  if (attempt.ending === 'throw') throw new Boom(call.id);
  return new Observable((subscriber) => {
    if (attempt.ending === 'throw in subscribe') throw new Boom(call.id);
    const leave = around.enter(call);
    subscriber.add(leave);
    emit(around, call, subscriber, attempt, leave);
    return () => {
      if (attempt.isTeardownBad) throw new Boom(call.id);
    };
  });
}

function emit(around: Surroundings, call: Tracked, subscriber: Subscriber<unknown>, attempt: Attempt, leave: () => void): void {
  const { values, ms, ending } = attempt;
  const end = (): void => {
    leave();
    // A teardown that throws does so here, at whoever ends the source: that is RxJS, and the source's own business.
    try {
      if (ending === 'error') subscriber.error(new Boom(call.id));
      else subscriber.complete();
    } catch (error) {
      if (!(error instanceof UnsubscriptionError)) throw error;
    }
  };
  const step = (index: number): void => {
    if (subscriber.closed) return;
    if (index === values) return ending === 'never' ? around.settleAtEnd(end) : end();
    subscriber.next(call.token);
    go(index + 1);
  };
  const go = (index: number): void => (ms === 0 ? step(index) : around.after(ms, () => step(index)));
  go(0);
}
