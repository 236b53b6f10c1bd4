import type { CallFacts } from '../call/facts.js';
import type { Waiter } from '../waiting/waiter.js';
import type { Rejection } from './rejection.js';
import type { Substitute } from './verdict.js';

/**
 * May the attempt start? Yes (undefined), no (the error to answer with, or a rejection that makes it for who looks at it), wait, or it is answered already: by a value, which
 * the layers outside are told as a success, or by a substitute that throws, which they are told as a failure of the method.
 * A layer that answers has let nothing pass, and is told nothing.
 */
export type Admission = Error | Rejection | Waiter | Substitute | undefined;

/** What is known of a call where it asks to be let pass. */
export interface AdmissionContext {
  readonly operationId: string;
  readonly args: readonly unknown[];
  readonly facts: CallFacts;
  /** When its time is over, as a reading of the clock; undefined where nothing bounds it. */
  readonly deadline: number | undefined;
  /** Whether it may be given a waiter: a hedge has to be let pass at once, or rejected. */
  readonly mayWait: boolean;
  now(): number;
}

/** Who asks for a permit: a call on its way, or somebody by hand. */
export interface PermitRequest {
  /** False where it must be let pass at once or not at all: it makes no room for itself and stands in no queue. */
  readonly mayWait?: boolean;
  readonly operationId?: string | undefined;
  now(): number;
}
