import type { Environment } from '../environment.js';
import { asPromise } from '../drivers/promises.js';
import { Waiter, type WaiterOwner } from './waiter.js';

/** A decision that somebody else makes, as a strategy asks for it. `now` is the reading of the clock at which it asks. */
export interface RemoteDecision<Answer> {
  /** Shown where the store fails after the caller has left: `store of rate limit "payments"`. */
  readonly label: string;
  readonly operationId: string;
  readonly now: number;
  /** How long the answer is waited for, in milliseconds. */
  readonly timeoutMs: number;
  /** Asks the store. May throw. */
  ask(): PromiseLike<Answer>;
  /** The answer came in time: undefined lets the call pass, an error rejects it. What is needed until its end goes into the slot here. */
  decide(answer: Answer): Error | undefined;
  /**
   * The store failed (`error`), or did not answer in time (undefined): undefined lets the call pass (fail open), an error rejects
   * it (fail closed).
   */
  unanswered(error: unknown): Error | undefined;
  /** The answer came when nobody waited for it any more: the permit that it may have given goes back. May give a promise. */
  tooLate(answer: Answer): unknown;
}

/**
 * The promise of a store as a waiter. The strategy stays synchronous: it gives the waiter to the pipeline, which knows how to
 * wait, to be cut off and to end in the caller's own async context.
 */
export function remoteDecision<Answer>(decision: RemoteDecision<Answer>, environment: Environment): Waiter {
  const owner: WaiterOwner = { left: () => undefined, expired: () => decision.unanswered(undefined) };
  const { operationId, timeoutMs, now, label } = decision;
  const waiter = new Waiter(owner, 0, 1, timeoutMs, operationId, now, 'decision');
  const end = (judge: () => Error | undefined): void => {
    let error: Error | undefined;
    try {
      error = judge();
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    if (error === undefined) waiter.grant();
    else waiter.reject(error);
  };
  const answered = (answer: Answer): void => {
    if (waiter.state === 'waiting') end(() => decision.decide(answer));
    else environment.background(new Promise((resolve) => resolve(decision.tooLate(answer))), label);
  };
  const failed = (error: unknown): void => {
    if (waiter.state === 'waiting') end(() => decision.unanswered(error ?? new Error(`${label} failed with ${String(error)}`)));
    else environment.callbackFailed(label, operationId, error);
  };
  let asked: Promise<Answer>;
  try {
    asked = asPromise(decision.ask()) as Promise<Answer>;
  } catch (error) {
    failed(error);
    return waiter;
  }
  void asked.then(answered, failed);
  return waiter;
}
