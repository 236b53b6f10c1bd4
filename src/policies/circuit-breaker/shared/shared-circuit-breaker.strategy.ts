import type { Call } from '../../../engine/call/call.js';
import type { Admission } from '../../../engine/contract/admission.js';
import type { Strategy } from '../../../engine/contract/strategy.js';
import type { Environment } from '../../../engine/environment.js';
import { remoteDecision } from '../../../engine/waiting/remote-decision.js';
import type { CircuitBreaker } from '../circuit-breaker.js';
import { CircuitBreakerStrategy, type CircuitBreakerUse } from '../circuit-breaker.strategy.js';
import type { Circuit } from '../circuit.js';
import type { AdmittedCall } from '../circuit-state.js';
import type { SharedCircuit } from './shared-circuit.js';
import type { SharedTrials } from './shared-trials.js';
import { newGeneration } from './generation.js';

/** Of `commandTimeout`: a busy process reads the answer a little after it has come. */
const PATIENCE = 1.5;

/** Asks a shared breaker for each attempt. Only a trial has to ask the store; everything else is known here. */
export class SharedCircuitBreakerStrategy implements Strategy {
  readonly kind = 'circuitBreaker';
  readonly name: string;
  readonly waitDescription: string;
  readonly succeeded: Strategy['succeeded'];
  readonly failed: Strategy['failed'];
  private readonly common: Circuit;
  private readonly isKeyed: boolean;
  private readonly local: CircuitBreakerStrategy;

  constructor(
    readonly breaker: CircuitBreaker,
    use: CircuitBreakerUse,
    private readonly environment: Environment,
  ) {
    this.name = breaker.name;
    this.waitDescription = `the store of circuit breaker "${this.name}"`;
    this.common = breaker.common;
    this.isKeyed = use.key !== undefined;
    this.local = new CircuitBreakerStrategy(breaker, use, environment);
    this.succeeded = this.local.succeeded;
    this.failed = this.local.failed;
  }

  readonly admit = (call: Call, layer: number): Admission => {
    const { fastPath } = this.common;
    if (fastPath !== undefined && !this.isKeyed) {
      call.slots[layer] = fastPath;
      return undefined;
    }
    const key = this.local.keyOf(call);
    const trials = (this.breaker.circuitOf(key).link as SharedCircuit | undefined)?.trials;
    if (trials?.mustAsk(call) === true && call.mayWait) return this.askForTrial(trials, key, call, layer);
    return this.local.admitKey(key, call, layer);
  };

  abandoned(call: Call, layer: number): undefined {
    this.local.abandoned(call, layer);
  }

  measure(): void {
    this.local.measure();
  }

  private askForTrial(trials: SharedTrials, key: string | undefined, call: Call, layer: number): Admission {
    const lease = newGeneration();
    const admitted = (admission: AdmittedCall | undefined): Error | undefined => {
      // No trial: what the answer told of the circuit decides, e.g. that somebody else's trial has closed it.
      if (admission === undefined) return this.local.admitKey(key, call, layer)?.error;
      call.clockInvocation(layer);
      call.slots[layer] = admission;
      return undefined;
    };
    return remoteDecision(
      {
        label: this.waitDescription,
        operationId: call.operationId,
        now: call.now(),
        timeoutMs: PATIENCE * trials.graceMs,
        ask: () => trials.ask(lease, call.longestLimitMs),
        decide: (reply) => admitted(trials.decide(reply, lease, call)),
        unanswered: () => admitted(trials.unanswered()),
        tooLate: (reply) => trials.giveBack(reply, lease),
      },
      this.environment,
    );
  }
}
