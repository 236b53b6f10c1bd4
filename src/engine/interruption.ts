import { Rest, type Call } from './call.js';
import type { Pipeline } from './pipeline.js';
import { Outcome } from './strategy.js';

/** A time limit passed or the caller gave up: tells the layers inside, and goes on from the one that cut the call off. */
export function cutOff(pipeline: Pipeline, call: Call): void {
  const { layer, outcome, error } = call.interruption!;
  const { running } = call;
  const reached = call.waiter?.state === 'granted' ? call.cursor : call.cursor - 1;
  call.stopWaiting();
  call.interruption = call.waiter = call.answer = call.running = undefined;
  call.wasRunning = call.rest === Rest.METHOD;
  pipeline.turnBack(call, Math.max(layer, 0), outcome, error);
  if (layer >= 0) pipeline.note(call, layer, 'timeouts');
  const endings: (() => void)[] = [];
  for (let inner = reached; inner > layer; inner--) {
    const ending = pipeline.layers[inner]!.abandoned?.(call, inner);
    if (ending !== undefined) endings.push(ending);
  }
  call.context?.abandon(error);
  // The method may still run: what its attempt holds is given back when it really ends.
  const end = (): void => endings.forEach((ending) => ending());
  if (running === undefined) end();
  else void running.then((value) => (end(), pipeline.roles.discarder?.discard!(value, pipeline.operationId)), end);
}

/** Takes back a call whose method runs: all layers are told that it ended without a verdict, and it is not counted. */
export function withdraw(pipeline: Pipeline, call: Call): void {
  pipeline.layers.forEach((layer, index) => {
    try {
      layer.withdrawn?.(call, index);
    } catch (error) {
      pipeline.environment.callbackFailed(`${layer.kind} key or cost`, pipeline.operationId, error);
    }
  });
  call.context = undefined; // whatever the method gave goes on to use it
  call.interrupt(-1, Outcome.ABORT, undefined);
  pipeline.hear(call, true, undefined);
  pipeline.forget();
}
