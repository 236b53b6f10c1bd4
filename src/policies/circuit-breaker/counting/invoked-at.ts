import type { AdmissionContext } from '../circuit-state.js';

/** When the method was called; where nobody knows, when the call was let pass. */
export function invokedAt({ invokedAt: at }: AdmissionContext, admittedAt: number): number {
  return at === undefined || Number.isNaN(at) ? admittedAt : at;
}
