import type { PolicyKind } from '../../../src/engine/contract/kind.js';
import type { Admission } from '../../../src/engine/contract/admission.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import { Waiter } from '../../../src/engine/waiting/waiter.js';
import { toy } from './bench.js';

interface FaultOptions {
  /** What the method seems to throw. */
  readonly error?: Error;
  /** How much longer it seems to take. */
  readonly latencyMs?: number;
}

/** Makes a method fail, or take its time, without calling it. */
class FaultStrategy implements Strategy {
  readonly kind = 'fault';
  readonly name = 'fault';

  constructor(private readonly options: FaultOptions) {}

  readonly admit = (): Admission => {
    const { error, latencyMs } = this.options;
    if (latencyMs !== undefined) {
      const over = { left: () => undefined, expired: () => error };
      return new Waiter(over, 0, 1, latencyMs, undefined, 0, 'injected');
    }
    if (error === undefined) return undefined;
    return { served: 'injected', produce: () => fail(error), answered: () => undefined, failed: () => undefined };
  };
}

function fail(error: Error): never {
  throw error;
}

export const faultKind: PolicyKind = {
  ...toy,
  kind: 'fault',
  build: (options) => [{ strategy: new FaultStrategy(options) }],
};
