import { randomUUID } from 'node:crypto';

/** What is known of a call as a whole: its attempts and branches share one. Made when somebody asks for it. */
export class CallFacts {
  /** When nobody waits for the answer any more, as a reading of the clock. */
  deadline: number | undefined;
  /** Higher goes first. */
  priority: number | undefined;
  /** Whose call it is, where answers must not be mixed: tenant, user, locale. */
  vary: string | undefined;
  private id: string | undefined;

  /** One id over all attempts and branches of the call, e.g. for an `Idempotency-Key`. */
  get callId(): string {
    return (this.id ??= randomUUID());
  }
}

/** What is known of one attempt; another one begins without it. */
export class AttemptFacts {
  /** Where it goes to. */
  endpoint: string | undefined;
  /** 0 for the first of several attempts beside each other, then 1, 2, ... */
  hedge = 0;
  /** A layer that only watches would have rejected it. */
  wouldReject = false;
}
