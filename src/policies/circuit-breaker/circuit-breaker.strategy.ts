import type { Call } from '../../engine/call/call.js';
import type { Environment } from '../../engine/environment.js';
import { FailureFilter } from '../../engine/failure-filter.js';
import { keyText } from '../../engine/state/key-text.js';
import { Outcome } from '../../engine/contract/outcome.js';
import type { Strategy } from '../../engine/contract/strategy.js';
import type { FailureOptions } from '../../options/index.js';
import type { CircuitOpenRejection } from './circuit-breaker.error.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { ResolvedCircuitBreaker } from './circuit-breaker.policy.js';
import type { Circuit } from './circuit.js';
import type { AdmittedCall } from './circuit-state.js';
import { recordFailure, recordValue } from './record-outcome.js';

/** What belongs to one use of a breaker and not to the breaker. */
export type CircuitBreakerUse = Pick<ResolvedCircuitBreaker, 'key' | keyof FailureOptions>;

/** Asks a breaker for each attempt, and tells it how the attempt ended. */
export class CircuitBreakerStrategy implements Strategy {
  readonly kind = 'circuitBreaker';
  readonly name: string;
  readonly rejects: Strategy['rejects'];
  /** The circuit of the calls without a key. */
  private readonly common: Circuit;
  private readonly key: CircuitBreakerUse['key'];
  private readonly filter: FailureFilter;

  constructor(
    readonly breaker: CircuitBreaker,
    use: CircuitBreakerUse,
    environment: Environment,
  ) {
    this.name = breaker.name;
    this.common = breaker.common;
    this.key = use.key;
    this.filter = new FailureFilter(use, environment, '@CircuitBreaker', false);
  }

  readonly admit = (call: Call, layer: number): CircuitOpenRejection | undefined => {
    const { fastPath: plain } = this.common;
    if (plain !== undefined && this.key === undefined) {
      call.slots[layer] = plain;
      return undefined;
    }
    return this.admitKey(this.keyOf(call), call, layer);
  };

  /** The key of a call; undefined for the common circuit. */
  keyOf(call: Call): string | undefined {
    if (this.key === undefined) return undefined;
    return keyText(this.key(...call.args), 'the key function of @CircuitBreaker', call.operationId);
  }

  /** Asks the circuit of a key. */
  admitKey(key: string | undefined, call: Call, layer: number): CircuitOpenRejection | undefined {
    const admission = this.breaker.admit(key, call);
    if (admission === undefined) return this.breaker.rejection(key, call);
    if (admission.isTimed === true) call.clockInvocation(layer);
    call.slots[layer] = admission;
    return undefined;
  }

  readonly succeeded = (call: Call, layer: number): undefined => {
    const admission = call.slots[layer] as AdmittedCall;
    const { fastPath: plain } = this.common;
    if (plain === admission && !this.filter.judgesResults) plain.succeeded(call);
    else recordValue(admission, this.filter, call, call.payload);
  };

  readonly failed = (call: Call, layer: number): undefined => {
    const admission = call.slots[layer] as AdmittedCall;
    if (call.outcome === Outcome.FAILURE) recordFailure(admission, this.filter, call, call.payload);
    else if (call.outcome === Outcome.TIMEOUT) this.timedOut(admission, call, layer);
    else admission.released();
  };

  measure(): void {
    this.breaker.measure();
  }

  /** An outer time limit, or the caller, gave up: told as what came from inside is. */
  abandoned(call: Call, layer: number): undefined {
    this.failed(call, layer);
  }

  /**
   * A time limit is a failure whatever `on` names, unless `ignore` names it: errors of the library are not in the mind of who
   * lists those of a client. One that passed while the call only waited inside, in a queue or for a permit, says nothing.
   */
  private timedOut(admission: AdmittedCall, call: Call, layer: number): void {
    if (!call.hasInvoked(layer)) admission.released();
    else if (this.filter.ignores(call.payload, call)) admission.succeeded(call);
    else admission.failed(call, call.payload);
  }
}
