import type { Branch } from '../../../src/engine/call/branch.js';
import type { Call } from '../../../src/engine/call/call.js';
import type { Admission } from '../../../src/engine/contract/admission.js';
import type { PolicyKind } from '../../../src/engine/contract/kind.js';
import { Outcome, type Served, type Settlement } from '../../../src/engine/contract/outcome.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import type { Substitute } from '../../../src/engine/contract/verdict.js';
import { toy } from './bench.js';

interface Entry {
  readonly value: unknown;
  readonly storedAt: number;
}

/** Answers with a value that it has seen; one that is too old answers too, and is made anew behind the answer. */
class MemoryCacheStrategy implements Strategy {
  readonly kind = 'memoryCache';
  readonly name = 'cache';
  private readonly entries = new Map<string, Entry>();
  private readonly refreshing = new Map<string, Branch>();

  constructor(private readonly ttlMs: number) {}

  readonly admit = (call: Call, layer: number): Admission => {
    const key = String(call.args[0]);
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    if (call.now() < entry.storedAt + this.ttlMs) return answer(entry.value, 'cache');
    if (!this.refreshing.has(key)) {
      const branch = call.branch(layer, { purpose: 'refresh', detached: true });
      branch.slot = key;
      this.refreshing.set(key, branch);
    }
    return answer(entry.value, 'stale');
  };

  readonly succeeded = (call: Call): undefined => {
    if (call.served === 'method') this.store(String(call.args[0]), call.payload, call.now());
  };

  branchEnded(own: Call, _layer: number, branch: Branch, { outcome, payload, served }: Settlement): void {
    const key = branch.slot as string;
    this.refreshing.delete(key);
    if (outcome === Outcome.SUCCESS && served === 'method') this.store(key, payload, own.now());
  }

  private store(key: string, value: unknown, storedAt: number): void {
    if (this.entries.size < 100) this.entries.set(key, { value, storedAt });
  }
}

function answer(value: unknown, served: Served): Substitute {
  return { served, produce: () => value, answered: () => undefined, failed: () => undefined };
}

export const memoryCacheKind: PolicyKind = {
  ...toy,
  kind: 'memoryCache',
  build: ({ ttlMs }) => [{ strategy: new MemoryCacheStrategy(ttlMs as number) }],
};
