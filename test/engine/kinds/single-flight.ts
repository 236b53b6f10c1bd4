import type { Branch } from '../../../src/engine/call/branch.js';
import type { Call } from '../../../src/engine/call/call.js';
import type { PolicyKind } from '../../../src/engine/contract/kind.js';
import { Outcome, type Settlement } from '../../../src/engine/contract/outcome.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import { Waiter, type WaiterOwner } from '../../../src/engine/waiting/waiter.js';
import { toy } from './bench.js';

/** One attempt that several callers wait for. */
interface Flight {
  readonly key: string;
  readonly branch: Branch;
  readonly waiters: Set<Waiter>;
}

/** Calls of one key share an attempt: a branch of its own, so that whoever aborts, the first caller too, leaves alone. */
class SingleFlightStrategy implements Strategy {
  readonly kind = 'singleFlight';
  readonly name = 'flights';
  readonly flights = new Map<string, Flight>();

  readonly admit = (call: Call, layer: number): Waiter | undefined => {
    if (!call.mayWait) return undefined;
    const key = String(call.args[0]);
    let flight = this.flights.get(key);
    if (flight === undefined) {
      const branch = call.branch(layer, { purpose: 'shared', detached: true });
      flight = { key, branch, waiters: new Set() };
      branch.slot = flight;
      this.flights.set(key, flight);
    }
    return this.join(flight, call);
  };

  branchEnded(_own: Call, _layer: number, branch: Branch, settlement: Settlement): void {
    const flight = branch.slot as Flight;
    this.flights.delete(flight.key);
    const { outcome, payload } = settlement;
    const served = outcome === Outcome.SUCCESS ? 'shared' : 'method';
    for (const waiter of flight.waiters) waiter.settle({ outcome, payload, served });
  }

  private join(flight: Flight, call: Call): Waiter {
    const owner: WaiterOwner = {
      left: (waiter) => {
        flight.waiters.delete(waiter);
        if (flight.waiters.size > 0) return;
        this.flights.delete(flight.key);
        flight.branch.abort();
      },
      expired: () => undefined,
    };
    const waiter = new Waiter(owner, 0, 1, undefined, call.operationId, call.now(), 'shared-call');
    flight.waiters.add(waiter);
    return waiter;
  }
}

export const singleFlightKind: PolicyKind = {
  ...toy,
  kind: 'singleFlight',
  build: () => [{ strategy: new SingleFlightStrategy() }],
};
