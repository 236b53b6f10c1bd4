import type { Call } from '../../src/engine/call/call.js';
import type { PolicyKind } from '../../src/engine/contract/kind.js';
import type { Strategy } from '../../src/engine/contract/strategy.js';
import { Bench, toy } from './kinds/bench.js';

/** Writes its slot in one call and reads it in the next. */
class Probe implements Strategy {
  readonly kind = 'probe';
  readonly name = 'probe';
  readonly found: unknown[] = [];
  readonly remembers: boolean;
  constructor(remembers: boolean) {
    this.remembers = remembers;
  }
  readonly admit = (call: Call, layer: number): undefined => void this.found.push(call.slots[layer]);
  readonly succeeded = (call: Call, layer: number): undefined => void (call.slots[layer] = 'of this call');
}

describe('a slot', () => {
  it('of a strategy that remembers is empty at the beginning of each call', async () => {
    const probe = new Probe(true);
    const kind: PolicyKind = { ...toy, kind: 'probe', build: () => [{ strategy: probe }] };
    const bench = new Bench([kind, {}]);
    for (let n = 0; n < 3; n++) await bench.call(() => Promise.resolve('ok'));
    expect(probe.found).toEqual([undefined, undefined, undefined]);
  });
});
