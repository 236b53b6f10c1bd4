import type { Circuit } from '../circuit.js';
import type { CircuitCounts, CircuitState, CircuitStateName } from '../circuit-state.js';
import { HalfOpenState } from '../half-open/half-open.js';
import { openMsOf } from '../open-duration.js';
import { CountingState, DisabledState, ForcedOpenState, OpenState } from '../states.js';
import { sameShape, type CallStatistics, type SavedWindow, type TimeSource } from '../counting/windows.js';

/** A circuit as plain data; durations in milliseconds. Errors are no part of it: they may say what belongs into no file. */
export interface SavedCircuit {
  readonly key?: string | undefined;
  readonly state: CircuitStateName;
  /** Of an open one: until the next trial. */
  readonly leftMs?: number | undefined;
  /** Of a half-open one: successful trials so far. */
  readonly successes?: number | undefined;
  readonly failuresInARow?: number | undefined;
  /** Since it opened first, where it has not closed since. */
  readonly notClosedForMs?: number | undefined;
  readonly openings: number;
  readonly firstOpenMs: number;
  readonly counts: CircuitCounts;
  readonly windowAtOpening?: CallStatistics | undefined;
  readonly window?: SavedWindow | undefined;
}

/** A copy: what happens to the circuit later does not change it. */
export function saveCircuit(circuit: Circuit, time: TimeSource): SavedCircuit {
  const { key, current, openings, firstOpenMs, counts, openedAt, windowAtOpening: judged } = circuit;
  return {
    key,
    state: current.name,
    leftMs: current instanceof OpenState ? current.remainingMs(time) : undefined,
    successes: current instanceof HalfOpenState ? current.successes : undefined,
    failuresInARow: current instanceof CountingState ? current.failuresInARow : undefined,
    notClosedForMs: openedAt === undefined ? undefined : time.now() - openedAt,
    openings,
    firstOpenMs,
    counts: { ...counts },
    windowAtOpening: judged && { calls: judged.calls, failures: judged.failures, slowCalls: judged.slowCalls },
    window: current instanceof CountingState ? current.statistics.save(time) : undefined,
  };
}

/** Lets a new circuit stand where a saved one would stand now, so many milliseconds later. */
export function resumeCircuit(circuit: Circuit, saved: SavedCircuit, elapsedMs: number, time: TimeSource): void {
  const { openings, firstOpenMs, counts, notClosedForMs, windowAtOpening } = saved;
  circuit.openings = openings;
  circuit.firstOpenMs = firstOpenMs;
  circuit.counts = { trips: counts.trips, successes: counts.successes, failures: counts.failures, rejections: counts.rejections };
  circuit.openedAt = notClosedForMs === undefined ? undefined : time.now() - notClosedForMs - elapsedMs;
  circuit.windowAtOpening = windowAtOpening;
  circuit.resume(stateOf(circuit, saved, elapsedMs, time));
}

function stateOf(circuit: Circuit, saved: SavedCircuit, elapsedMs: number, time: TimeSource): CircuitState {
  switch (saved.state) {
    case 'open':
      return new OpenState(circuit, time.now() + Math.max(0, openMsLeft(circuit, saved) - elapsedMs));
    case 'half-open':
      return new HalfOpenState(circuit, saved.successes ?? 0);
    case 'forced-open':
      return new ForcedOpenState();
    case 'disabled':
      return new DisabledState();
    default:
      return counting(new CountingState(circuit, saved.state), circuit, saved, elapsedMs, time);
  }
}

/** No longer than it would be open by the options of today: whoever made them shorter did not mean the next time. */
function openMsLeft({ settings, environment }: Circuit, { leftMs = 0, openings }: SavedCircuit): number {
  const { openDuration } = settings;
  return typeof openDuration === 'function' ? leftMs : Math.min(leftMs, openMsOf(openDuration, Math.max(1, openings), environment));
}

/** A window of another shape than it has today begins anew. */
function counting(
  state: CountingState,
  { settings }: Circuit,
  { window, failuresInARow = 0 }: SavedCircuit,
  elapsedMs: number,
  time: TimeSource,
): CountingState {
  state.failuresInARow = failuresInARow;
  if (window !== undefined && sameShape(window.shape, settings.window)) state.statistics.restore(window, elapsedMs, time);
  return state;
}
