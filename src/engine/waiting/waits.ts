import { Rest, type Call } from '../call.js';
import type { Environment } from '../environment.js';
import { deferred, limitWait, type Waiter } from './waiter.js';

/** Lets a call stand in a line: the promise is fulfilled when it is granted, refused or cut off. */
export function park(call: Call, waiter: Waiter, environment: Environment): Promise<void> {
  const { promise, resolve } = deferred();
  call.rest = Rest.TURN;
  call.eventful = true;
  call.waiter = waiter;
  call.wake = waiter.wake = resolve;
  call.stopWaiting = limitWait(waiter, environment.deadlines, call.now());
  if (waiter.state !== 'waiting') resolve(); // who heard of the wait has ended it already
  return promise;
}

/** Lets a call pause before its next attempt: the promise is fulfilled when the time is over, or it is cut off. */
export function pause(call: Call, delayMs: number, environment: Environment): Promise<void> {
  const { clock } = environment;
  const { promise, resolve } = deferred();
  const timer = clock.setTimer(resolve, delayMs, true);
  const forget = environment.shutdown.waiting(() => {
    call.pauseCut = true;
    resolve();
  });
  call.rest = Rest.PAUSE;
  call.wake = resolve;
  call.stopWaiting = () => {
    clock.clearTimer(timer);
    forget();
  };
  return promise;
}
