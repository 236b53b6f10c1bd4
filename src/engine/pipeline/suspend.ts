import { WaitingFor, type Call } from '../call/call.js';
import type { Environment } from '../environment.js';
import { abandon } from './cut-off.js';
import type { Move, Walk } from './walk.js';
import { settleWith } from './substitute.js';
import { Outcome } from '../contract/outcome.js';
import { deferred, limitWait, type Waiter } from '../waiting/waiter.js';

/**
 * Lets a call stand in a line: the promise is fulfilled when it is granted, rejected or cut off. It walks on where it was cut
 * off while it joined, from within a listener.
 */
export function suspend(call: Call, waiter: Waiter, environment: Environment): Move {
  const { promise, resolve } = deferred();
  call.waitingFor = WaitingFor.TURN;
  call.dirty = true;
  call.waiter = waiter;
  call.wake = waiter.wake = resolve;
  if (waiter.reason === 'injected') call.invoking();
  if (call.interruption !== undefined) {
    waiter.leave();
    return 'walk';
  }
  call.stopWaiting = limitWait(waiter, environment.deadlines, call.now());
  if (waiter.state !== 'waiting') resolve(); // who heard of the wait has ended it already
  return promise;
}

/** The same on the way in: a hedge does not stand in a line, nor does it wait for the attempt that it stands beside. */
export function suspendIfAllowed(pipeline: Walk, call: Call, waiter: Waiter): Move {
  const isLine = waiter.reason === 'queue' || waiter.reason === 'shared-call';
  if (call.mayWait || !isLine || waiter.state !== 'waiting') return suspend(call, waiter, pipeline.environment);
  waiter.leave();
  pipeline.startUnwind(call, call.cursor, Outcome.REJECTED, new Error('a hedge does not wait'));
  return 'walk';
}

/**
 * A layer ordered another attempt: it begins at once, or after a pause, whose promise is fulfilled when the time is over or the
 * call is cut off. It walks on without a pause where it was cut off meanwhile, or where the pause would begin in a shutdown.
 */
export function again(pipeline: Walk, call: Call, layer: number, delayMs: number): Move {
  const { shutdown } = pipeline.environment;
  call.inward = true;
  call.cursor = layer + 1;
  if (call.interruption !== undefined && call.interruption.layer < call.cursor) return 'walk';
  if (delayMs === 0) repeat(pipeline, call);
  else if (shutdown.isDraining) stayOut(pipeline, call);
  else return pause(call, delayMs, pipeline.environment);
  return 'walk';
}

function pause(call: Call, delayMs: number, { clock, shutdown }: Environment): Promise<void> {
  const { promise, resolve } = deferred();
  const timer = clock.setTimer(resolve, delayMs, true);
  const endsAt = clock.now() + delayMs;
  const forget = shutdown.registerWaiter((end) => {
    if (end !== undefined && endsAt <= end) return;
    call.pauseCancelled = true;
    resolve();
  });
  call.waitingFor = WaitingFor.PAUSE;
  call.wake = resolve;
  call.stopWaiting = () => {
    clock.clearTimer(timer);
    forget();
  };
  return promise;
}

/** A wait is over, and not because the call was cut off. */
export function resume(pipeline: Walk, call: Call): void {
  const { waiter } = call;
  call.stopWaiting();
  call.waiter = undefined;
  if (call.waitingFor === WaitingFor.PAUSE) {
    if (call.pauseCancelled) stayOut(pipeline, call);
    else repeat(pipeline, call);
  } else if (waiter!.settlement !== undefined) settleWith(pipeline, call, call.cursor, waiter!.settlement);
  else if (waiter!.rejection !== undefined) {
    pipeline.count(call, call.cursor, 'rejections');
    pipeline.startUnwind(call, call.cursor, Outcome.REJECTED, waiter!.rejection);
  } else {
    pipeline.watch?.tracer?.waited(call);
    if (call.inward) call.cursor++;
  }
}

/** The attempt begins that the layer before the cursor ordered. */
function repeat(pipeline: Walk, call: Call): void {
  pipeline.count(call, call.cursor - 1, 'repeats');
  call.beginAgain(call.cursor - 1);
}

/** It does not: the application shuts down, and the outcome of the last attempt stands. */
function stayOut(pipeline: Walk, call: Call): void {
  call.inward = false;
  call.cursor--;
  abandon(pipeline, call, call.cursor);
}
