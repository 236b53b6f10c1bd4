import type { Call } from '../../engine/call/call.js';
import type { Environment } from '../../engine/environment.js';
import type { Strategy } from '../../engine/contract/strategy.js';
import { describeDuration } from '../../options/index.js';
import { TimeoutExceededError } from './timeout.error.js';
import type { TimeoutExceededEvent } from './timeout.telemetry.js';

/** Sets a time limit on what goes on inside of it. */
export class TimeoutStrategy implements Strategy {
  readonly kind = 'timeout';
  readonly discard: Strategy['discard'];

  constructor(
    readonly name: string,
    readonly limitMs: number,
    readonly isTotal: boolean,
    discard: ((value: unknown) => unknown) | undefined,
    private readonly environment: Environment,
  ) {
    if (discard !== undefined)
      this.discard = (value, operationId) => environment.notify('@Timeout discard', operationId, () => discard(value));
  }

  readonly admit = (call: Call, layer: number): undefined => {
    call.limit(layer, this.limitMs);
  };

  readonly succeeded = (call: Call, layer: number): undefined => {
    call.unlimit(layer);
  };

  readonly failed = (call: Call, layer: number): undefined => {
    call.unlimit(layer);
  };

  abandoned(call: Call, layer: number): undefined {
    call.unlimit(layer);
  }

  expired(call: Call, layer: number): TimeoutExceededError {
    const { name, isTotal, environment } = this;
    // Of this call: the policy may have been given another limit since.
    const timeoutMs = call.limitMsOf(layer);
    const { operationId } = call;
    if (environment.events.hasListenersForAttempts('timeout.exceeded')) {
      const facts: Omit<TimeoutExceededEvent, 'type' | 'timestamp' | 'operationId'> = {
        policyName: name,
        timeoutMs,
        isTotal,
        attempt: call.attempt,
      };
      environment.events.emit<TimeoutExceededEvent>('timeout.exceeded', operationId, facts);
    }
    const what = isTotal
      ? `took longer than ${describeDuration(timeoutMs)} in total`
      : `did not answer within ${describeDuration(timeoutMs)}`;
    const waitedIn = call.waitDescription();
    const where = waitedIn === undefined ? '' : `: it waited in ${waitedIn}`;
    return new TimeoutExceededError(`${operationId} ${what}${where}`, timeoutMs, isTotal, {
      operationId,
      policyName: name,
      withStack: environment.stackTraces,
    });
  }
}
