import { isCallersAbort, type FailureFilter } from '../../engine/failure-filter.js';
import type { AdmissionContext, AdmittedCall } from './circuit-state.js';

/** Tells a circuit of an error: a failure, no verdict (somebody gave up), or as good as a success (it does not count). */
export function recordFailure(admission: AdmittedCall, filter: FailureFilter, context: AdmissionContext, error: unknown): void {
  if (filter.isFailure(error, context)) admission.failed(context, error);
  else if (isCallersAbort(error, context)) admission.released();
  else admission.succeeded(context);
}

/** Tells a circuit of a value, which may be a bad one. */
export function recordValue(admission: AdmittedCall, filter: FailureFilter, context: AdmissionContext, value: unknown): void {
  if (filter.judgesResults && filter.rejects(value, context)) admission.failed(context, undefined);
  else admission.succeeded(context);
}
