import type { Branch } from '../../../src/engine/call/branch.js';
import type { Call } from '../../../src/engine/call/call.js';
import type { PolicyKind } from '../../../src/engine/contract/kind.js';
import { Outcome, type Settlement } from '../../../src/engine/contract/outcome.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import type { Verdict } from '../../../src/engine/contract/verdict.js';
import { Waiter } from '../../../src/engine/waiting/waiter.js';
import { toy } from './bench.js';

/** What the slot of a hedged call has. */
interface Race {
  branch: Branch | undefined;
  /** The call's own attempt has failed, and waits for the branch. */
  waiter: Waiter | undefined;
}

/** No answer after the delay: another attempt beside the first one. The first good answer wins. */
class HedgeStrategy implements Strategy {
  readonly kind = 'hedge';
  readonly name = 'hedge';
  readonly remembers = true;

  constructor(private readonly delayMs: number) {}

  readonly admit = (call: Call, layer: number): undefined => {
    call.slots[layer] = { branch: undefined, waiter: undefined } satisfies Race;
    call.alarm(layer, this.delayMs);
  };

  alarm(call: Call, layer: number): void {
    (call.slots[layer] as Race).branch = call.branch(layer, { purpose: 'hedge' });
  }

  readonly succeeded = (call: Call, layer: number): undefined => {
    (call.slots[layer] as Race).branch?.abort();
  };

  /** The other attempt may still answer. */
  readonly failed = (call: Call, layer: number): Verdict => {
    const race = call.slots[layer] as Race;
    if (race.branch === undefined || race.branch.isOver) return undefined;
    const owner = { left: () => race.branch?.abort(), expired: () => undefined };
    return (race.waiter = new Waiter(owner, 0, 1, undefined, call.operationId, call.now(), 'branches'));
  };

  branchEnded(call: Call, layer: number, _branch: Branch, settlement: Settlement): void {
    const { waiter } = call.slots[layer] as Race;
    const isGood = settlement.outcome === Outcome.SUCCESS;
    if (waiter === undefined) {
      if (isGood) call.supersede(layer, settlement);
    } else if (isGood) waiter.settle(settlement);
    else waiter.grant();
  }
}

export const hedgeKind: PolicyKind = {
  ...toy,
  kind: 'hedge',
  build: ({ delayMs }) => [{ strategy: new HedgeStrategy(delayMs as number) }],
};
