import type { Call } from '../call/call.js';
import { Outcome, type Settlement } from '../contract/outcome.js';
import type { Substitute } from '../contract/verdict.js';
import type { Walk } from './walk.js';

/** A layer answers in place of what is inside of it: nothing inside is asked. */
export function answerAtOnce(call: Call, substitute: Substitute): void {
  call.dirty = true;
  call.inward = false;
  call.substitute = substitute;
  if (substitute.served === 'injected') call.invoking();
}

/** A substitute gave its value, or failed: the next tier, or outwards from the layer that gave it. */
export function substituteSettled(pipeline: Walk, call: Call, failed: boolean, payload: unknown): void {
  const substitute = call.substitute!;
  let ended = failed;
  let result = payload;
  if (!ended) {
    try {
      call.substitute = substitute.answered(payload);
    } catch (error) {
      ended = true;
      result = error;
    }
  }
  if (ended) call.substitute = substitute.failed(result);
  if (call.substitute !== undefined) return;
  call.served = substitute.served ?? 'fallback';
  if (!ended) pipeline.count(call, call.cursor, 'answers');
  pipeline.startUnwind(call, call.cursor, ended ? Outcome.FAILURE : Outcome.SUCCESS, result);
}

const nothing = (): undefined => undefined;

/** Outwards from a layer with an end that came from elsewhere. A value goes the way of substitutes, on which drivers pass it on. */
export function settleWith(pipeline: Walk, call: Call, layer: number, { outcome, payload, served = 'method' }: Settlement): void {
  call.served = served;
  pipeline.startUnwind(call, layer, outcome, payload);
  if (outcome !== Outcome.SUCCESS) return;
  call.substitute = { served, produce: () => payload, answered: nothing, failed: nothing };
}
