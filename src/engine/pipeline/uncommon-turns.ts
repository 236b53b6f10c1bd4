/**
 * What few calls come to. It stands apart from the walk that most calls take because V8 inlines only so much code into one function:
 * what is not in the way there leaves room for what is.
 */
import type { Call } from '../call/call.js';
import type { Admission } from '../contract/admission.js';
import { Outcome } from '../contract/outcome.js';
import { Rejection } from '../contract/rejection.js';
import type { Verdict } from '../contract/verdict.js';
import { Waiter } from '../waiting/waiter.js';
import type { Move, Step, Walk } from './walk.js';
import { answerAtOnce } from './substitute.js';
import { suspendIfAllowed } from './suspend.js';

/** A layer lets the call wait, answers it, or rejects it. */
export function notAdmitted(pipeline: Walk, call: Call, layer: number, admission: NonNullable<Admission>): Move {
  if (admission instanceof Rejection) reject(pipeline, call, layer, admission);
  else if (admission instanceof Waiter) return suspendIfAllowed(pipeline, call, admission);
  else if ('produce' in admission) answerAtOnce(call, admission);
  else {
    pipeline.count(call, layer, 'rejections');
    pipeline.startUnwind(call, layer, Outcome.REJECTED, admission);
  }
  return 'walk';
}

/** The error is made now only where it has a stack to show. */
function reject(pipeline: Walk, call: Call, layer: number, rejection: Rejection): void {
  pipeline.count(call, layer, 'rejections');
  pipeline.startUnwind(call, layer, Outcome.REJECTED, undefined);
  call.rejection = rejection;
  if (pipeline.environment.stackTraces) call.payload = rejection.error;
}

/** The method gave its value while another run of it goes on. */
export function succeedAmongStrays(pipeline: Walk, call: Call, value: unknown): Step {
  pipeline.settled(call, false, value);
  return pipeline.step(call);
}

/** A layer has something to say to a success. */
export function succeedWith(pipeline: Walk, call: Call, layer: number, verdict: NonNullable<Verdict>): Step {
  call.running = undefined;
  pipeline.startUnwind(call, layer, Outcome.SUCCESS, call.payload);
  const move = pipeline.applyVerdict(call, layer, verdict);
  return move === 'walk' ? pipeline.step(call) : move;
}

/** A layer threw when it was told of a success: that is reported, and the others are told. */
export function successHandlerFailed(pipeline: Walk, call: Call, layer: number, error: unknown): Step {
  pipeline.environment.callbackFailed(pipeline.layers[layer]!.kind, pipeline.operationId, error);
  call.running = undefined;
  pipeline.startUnwind(call, layer, Outcome.SUCCESS, call.payload);
  return pipeline.step(call);
}
