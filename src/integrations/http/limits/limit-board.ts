import type { ExecutionContext } from '@nestjs/common';
import { tap, type Observable } from 'rxjs';

/** Puts what it knows of limits on the answer of a request that it belongs to. */
export type LimitTeller = (context: ExecutionContext) => void;

const boards = new WeakMap<object, LimitBoard>();

/**
 * Who tells clients of limits in one application. An interceptor that stands inside of the one that rejects a request never sees it,
 * so whoever rejects asks here: the order in which they are registered does not matter.
 */
export class LimitBoard {
  private readonly tellers = new Set<LimitTeller>();

  static of(application: object): LimitBoard {
    let board = boards.get(application);
    if (board === undefined) boards.set(application, (board = new LimitBoard()));
    return board;
  }

  add(teller: LimitTeller): void {
    this.tellers.add(teller);
  }

  tell(context: ExecutionContext): void {
    for (const teller of this.tellers) teller(context);
  }

  /** Tells of limits on an answer that is an error. */
  watch(answer: Observable<unknown>, context: ExecutionContext): Observable<unknown> {
    return this.tellers.size === 0 ? answer : answer.pipe(tap({ error: () => this.tell(context) }));
  }
}
