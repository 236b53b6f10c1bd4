import { isCallersAbort, type FailureFilter } from '../../engine/failure-filter.js';
import type { Occasion } from './circuit.js';
import type { Admission } from './states.js';

/** Tells a circuit of an error: a failure, no verdict (somebody gave up), or as good as a success (it does not count). */
export function tellFailure(admission: Admission, filter: FailureFilter, occasion: Occasion, error: unknown): void {
  if (filter.counts(error, occasion)) admission.failed(occasion, error);
  else if (isCallersAbort(error, occasion)) admission.released();
  else admission.succeeded(occasion);
}

/** Tells a circuit of a value, which may be a bad one. */
export function tellValue(admission: Admission, filter: FailureFilter, occasion: Occasion, value: unknown): void {
  if (filter.judgesResults && filter.rejects(value, occasion)) admission.failed(occasion, undefined);
  else admission.succeeded(occasion);
}
