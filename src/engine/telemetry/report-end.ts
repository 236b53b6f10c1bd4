import type { Call } from '../call/call.js';
import type { Walk } from '../pipeline/walk.js';
import type { OperationEvent } from './operation-events.js';
import { Outcome } from '../contract/outcome.js';

/** The end of a call of which somebody wants to know more than that it was. */
export function reportEnd({ layers, watch, operationId, environment: { events } }: Walk, call: Call): void {
  if (call.attempt > 1) layers.forEach((layer, index) => layer.settled?.(call, index));
  watch?.ended(call);
  if (!events.hasCallListeners || call.outcome === Outcome.ABORT) return;
  const type = call.outcome === Outcome.SUCCESS ? 'operation.succeeded' : 'operation.failed';
  if (!events.hasListeners(type)) return;
  const facts = { durationMs: call.now() - call.startedAt, attempts: call.attempt };
  events.emit<OperationEvent>(type, operationId, call.outcome === Outcome.SUCCESS ? facts : { ...facts, error: call.payload });
}
