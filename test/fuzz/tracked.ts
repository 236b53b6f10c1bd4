import type { Subscriber } from 'rxjs';
import type { CallStep } from './scenario.js';

/** What a call is given and what it answers with; nothing of the library may keep one. */
export class Token {
  constructor(readonly call: number) {}
}

/** The error of a method. */
export class Boom extends Error {
  constructor(readonly call: number) {
    super(`call ${call} failed`);
  }
}

/** What is known of a call from outside. */
export class Tracked {
  readonly token: Token;
  readonly controller = new AbortController();
  subscriber: Subscriber<unknown> | undefined;
  isUnsubscribed = false;
  ends = 0;
  attempts = 0;
  /** The most places that a bulkhead had since the call began: it may have been let in then. */
  places = 0;

  constructor(
    readonly id: number,
    readonly plan: CallStep,
    /** How many calls it was made inside of. */
    readonly depth: number,
  ) {
    this.token = new Token(id);
  }

  get isOver(): boolean {
    return this.ends > 0 || this.isUnsubscribed;
  }
}
