import type { SavedPart } from '../../../engine/contract/instance.js';
import type { CircuitBreaker } from '../circuit-breaker.js';
import type { TimeSource } from '../counting/windows.js';
import { readSavedCircuit, readSavedTotals, type SavedTotals } from './read-saved-circuit.js';
import { resumeCircuit, saveCircuit, type SavedCircuit } from './saved-circuit.js';

/** All that a breaker knows: its totals, then each of its circuits, as it is when its turn comes. Those of a shared one are in its store. */
export function* saveBreaker(breaker: CircuitBreaker, time: TimeSource): Generator {
  const { forgotten, changes } = breaker;
  yield { forgotten: { ...forgotten }, transitions: [...changes].filter(([, count]) => count > 0) } satisfies SavedTotals;
  if (breaker.settings.shared) return;
  for (const circuit of breaker.observeCircuits()) yield saveCircuit(circuit, time);
}

/** Gives how many parts are neither totals nor circuits. */
export function restoreBreaker(breaker: CircuitBreaker, saved: readonly SavedPart[], time: TimeSource): number {
  let unusable = 0;
  for (const { state, elapsedMs } of saved) {
    const circuit = readSavedCircuit(state);
    const totals = circuit === undefined ? readSavedTotals(state) : undefined;
    if (circuit !== undefined && breaker.settings.shared) continue;
    if (circuit !== undefined) resume(breaker, circuit, elapsedMs, time);
    else if (totals !== undefined) resumeTotals(breaker, totals);
    else unusable++;
  }
  return unusable;
}

function resume(breaker: CircuitBreaker, saved: SavedCircuit, elapsedMs: number, time: TimeSource): void {
  const { key } = saved;
  const circuit = breaker.circuit(key);
  resumeCircuit(circuit, saved, elapsedMs, time);
  const slot = key === undefined ? undefined : breaker.keys.find(key);
  if (slot !== undefined) breaker.keys.hold(slot, circuit.current.name !== 'closed');
}

function resumeTotals({ forgotten, changes }: CircuitBreaker, saved: SavedTotals): void {
  const { trips, successes, failures, rejections } = saved.forgotten;
  Object.assign(forgotten, { trips, successes, failures, rejections });
  for (const [change, count] of saved.transitions) changes.set(change, count);
}
