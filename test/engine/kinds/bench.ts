import { Observable, lastValueFrom } from 'rxjs';
import type { Call } from '../../../src/engine/call/call.js';
import type { PolicyKind, ResolvedOptions } from '../../../src/engine/contract/kind.js';
import { Outcome } from '../../../src/engine/contract/outcome.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import { Environment } from '../../../src/engine/environment.js';
import { ProtectedOperation } from '../../../src/engine/pipeline/protected-operation.js';
import { Registry } from '../../../src/engine/state/registry.js';
import { FakeClock } from '../../../src/testing/index.js';

/** What every toy kind needs and none of them is about. */
export const toy = { label: 'Toy', rules: {}, telemetry: { events: {}, counters: [], metrics: [] } } as const;

/** Lets everything pass and keeps what it was told: the law, and what a policy at its place would have counted. */
export class Witness implements Strategy {
  readonly kind = 'witness';
  passed = 0;
  readonly told: string[] = [];

  constructor(readonly name = 'witness') {}

  readonly admit = (): undefined => void this.passed++;
  readonly succeeded = (call: Call): undefined => this.hear(call, `SUCCESS ${call.served}`);
  readonly failed = (call: Call): undefined => this.hear(call, nameOf(call.outcome));

  abandoned(call: Call): undefined {
    this.hear(call, `abandoned ${nameOf(call.outcome)}`);
  }

  private hear(_call: Call, what: string): undefined {
    this.told.push(what);
  }
}

function nameOf(outcome: Outcome): string {
  return Object.entries(Outcome).find(([, value]) => value === outcome)![0];
}

export const witnessed = (witness: Witness): readonly [PolicyKind, ResolvedOptions] => [
  { ...toy, kind: 'witness', build: () => [{ strategy: witness }] },
  {},
];

/** An operation of these policies under a clock that the test moves. */
export class Bench {
  readonly clock = new FakeClock();
  readonly complaints: string[] = [];
  readonly environment = new Environment({
    clock: this.clock,
    logger: { warn: () => undefined, error: (message) => void this.complaints.push(message) },
  });
  readonly registry = new Registry(this.environment);
  readonly operation: ProtectedOperation;

  constructor(...policies: readonly (readonly [PolicyKind, ResolvedOptions])[]) {
    this.operation = new ProtectedOperation({
      id: 'op',
      policies: policies.map(([kind, options]) => ({ kind, name: (options['name'] as string | undefined) ?? 'op', options, sources: {} })),
      environment: this.environment,
      registry: this.registry,
      contextAt: undefined,
      onlyAsync: false,
    });
  }

  /** A call; what it comes to is a text, so that nothing is left unhandled. */
  call(method: (...args: never[]) => unknown, args: readonly unknown[] = [], signal?: AbortSignal): Promise<string> {
    return told(this.operation.run(undefined, method, args, signal));
  }

  observe(method: (...args: never[]) => Observable<unknown>, args: readonly unknown[] = []): Promise<string> {
    return told(lastValueFrom(this.operation.observe(undefined, method, args)));
  }

  /** Gives a value after so long, or fails with an error. */
  after(delayMs: number, value: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => this.clock.setTimer(() => (value instanceof Error ? reject(value) : resolve(value)), delayMs));
  }

  /** What is left when all is over: nothing. */
  leftovers(): readonly string[] {
    const { inFlight } = this.environment.shutdown;
    const { calls, successes, failures, aborts } = this.operation.pipeline.counts;
    return [
      ...(inFlight === 0 ? [] : [`${inFlight} in flight`]),
      ...(this.clock.pendingTimers === 0 ? [] : [`${this.clock.pendingTimers} timers`]),
      ...(calls === successes + failures + aborts ? [] : [`${calls} calls, ${successes} + ${failures} + ${aborts} ends`]),
    ];
  }
}

function told(promise: Promise<unknown>): Promise<string> {
  return promise.then(String, (error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`);
}
