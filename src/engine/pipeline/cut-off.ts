import { WaitingFor, type Call } from '../call/call.js';
import type { Walk } from './walk.js';
import { settleWith } from './substitute.js';
import { Outcome } from '../contract/outcome.js';
import { settle, whenSettled, type Stray } from './strays.js';

/**
 * THE place that acts on a cut-off. A time limit, the caller's signal or an unsubscribe only leave a note on the call
 * (`interrupt`) and wake whoever drives it; nothing happens in their turn but that. The pipeline looks at the note whenever
 * it is about to do something that cannot be taken back: before each `invoke`, before each answer, and when a rest ends or
 * would begin (`Pipeline.step` and `hear`); a driver looks once more when it has started something. So it does not matter
 * from within which callback the note was left.
 *
 * Tells the layers inside of the one that cut the call off, and goes on outwards from that.
 */
export function applyInterruption(pipeline: Walk, call: Call): void {
  const { layer, outcome, reason, settlement } = call.interruption!;
  call.interruption = undefined;
  // The limit of an attempt that has ended since: its layer was told, and a layer outside has begun another one.
  if (layer >= call.cursor) return;
  const reached = call.inward && call.waiter?.state === 'granted' ? call.cursor : call.cursor - 1;
  // Made here and not when the limit passed: of two limits that pass in one moment only the outer one is told.
  const isOwnLimit = outcome === Outcome.TIMEOUT && reason === undefined;
  const error = isOwnLimit ? pipeline.layers[layer]!.expired!(call, layer) : reason;
  const stray = strayOf(pipeline, call);
  call.stopWaiting();
  call.waiter = call.substitute = call.running = undefined;
  pipeline.startUnwind(call, Math.max(layer, 0), outcome, error);
  if (isOwnLimit) pipeline.count(call, layer, 'timeouts');
  for (let inner = reached; inner > layer; inner--) abandon(pipeline, call, inner);
  call.context?.abandon(error);
  call.attachments?.cut(layer, outcome, error);
  if (stray !== undefined) stray.seenBy = Math.min(stray.seenBy, Math.max(layer, 0));
  if (settlement !== undefined) settleWith(pipeline, call, layer, settlement);
}

/** Tells a layer that its attempt ends here. What it holds is in use until the method has really ended. */
export function abandon(pipeline: Walk, call: Call, layer: number): void {
  const { environment, operationId } = pipeline;
  const strategy = pipeline.layers[layer]!;
  try {
    const ending = strategy.abandoned?.(call, layer);
    if (ending !== undefined) whenSettled(call.strays, layer, () => environment.notify(strategy.kind, operationId, ending));
  } catch (error) {
    environment.callbackFailed(strategy.kind, operationId, error);
  }
}

/** The method may still run: what its attempt holds is given back when it really ends, and a late value is given away. */
function strayOf(pipeline: Walk, call: Call): Stray | undefined {
  const { running } = call;
  if (running === undefined || call.waitingFor !== WaitingFor.METHOD) return undefined;
  const { roles, operationId, environment } = pipeline;
  const stray: Stray = { settled: false, seenBy: pipeline.layers.length, endings: [] };
  call.strays = [...(call.strays ?? []).filter(({ settled }) => !settled), stray];
  void running.then(
    (value) => {
      settle(stray);
      const { discarder } = roles;
      if (discarder !== undefined) environment.notify(discarder.kind, operationId, () => discarder.discard!(value, operationId));
    },
    () => settle(stray),
  );
  return stray;
}

/** Takes back a call whose method runs: all layers are told that it ended without a verdict, and it is not counted. */
export function rollBack(pipeline: Walk, call: Call): void {
  pipeline.layers.forEach((layer, index) => {
    try {
      layer.rolledBack?.(call, index);
    } catch (error) {
      pipeline.environment.callbackFailed(`${layer.kind} key or cost`, pipeline.operationId, error);
    }
  });
  call.context = undefined; // whatever the method gave goes on to use it
  call.interrupt(-1, Outcome.ABORT, undefined);
  pipeline.settled(call, true, undefined);
  pipeline.forget();
}

/** Asks the layer that has set an alarm. */
export function ringAlarm(pipeline: Walk, call: Call, layer: number): void {
  const strategy = pipeline.layers[layer]!;
  try {
    strategy.alarm?.(call, layer);
  } catch (error) {
    pipeline.environment.callbackFailed(strategy.kind, pipeline.operationId, error);
  }
}
