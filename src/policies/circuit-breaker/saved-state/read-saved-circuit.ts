import { isRecord } from '../../../options/index.js';
import type { CircuitCounts, CircuitStateName } from '../circuit-state.js';
import type { CallStatistics, SavedWindow } from '../counting/windows.js';
import type { SavedCircuit } from './saved-circuit.js';

const STATES: readonly unknown[] = ['closed', 'open', 'half-open', 'forced-open', 'disabled', 'metrics-only'] satisfies CircuitStateName[];

/** What a breaker counts beside its circuits. */
export interface SavedTotals {
  readonly forgotten: CircuitCounts;
  /** By `<from> <to>`. */
  readonly transitions: readonly (readonly [change: string, count: number])[];
}

/** What was read from a file as a circuit; undefined where it is none, whoever wrote it. */
export function readSavedCircuit(value: unknown): SavedCircuit | undefined {
  if (!isRecord(value)) return undefined;
  const { key, state, leftMs, successes, failuresInARow, notClosedForMs, openings, firstOpenMs, counts, windowAtOpening, window } = value;
  const isOne =
    (key === undefined || typeof key === 'string') &&
    STATES.includes(state) &&
    [leftMs, notClosedForMs].every((one) => one === undefined || isDuration(one)) &&
    [successes, failuresInARow].every((one) => one === undefined || isCount(one)) &&
    isCount(openings) &&
    isDuration(firstOpenMs) &&
    areCounts(counts, ['trips', 'successes', 'failures', 'rejections']) &&
    (windowAtOpening === undefined || isStatistics(windowAtOpening)) &&
    (window === undefined || isWindow(window));
  // Every member was looked at just now.
  return isOne ? (value as unknown as SavedCircuit) : undefined;
}

/** What was read from a file as the totals of a breaker; undefined where it is none. */
export function readSavedTotals(value: unknown): SavedTotals | undefined {
  if (!isRecord(value)) return undefined;
  const { forgotten, transitions } = value;
  if (!areCounts(forgotten, ['trips', 'successes', 'failures', 'rejections']) || !Array.isArray(transitions)) return undefined;
  // Every member was looked at just now.
  return transitions.every(isTransition) ? (value as unknown as SavedTotals) : undefined;
}

function isTransition(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2 || !isCount(value[1])) return false;
  const [from, to, ...rest] = String(value[0]).split(' ');
  return rest.length === 0 && STATES.includes(from) && STATES.includes(to);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function areCounts(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => isCount(value[name]));
}

function isStatistics(value: unknown): value is CallStatistics {
  return areCounts(value, ['calls', 'failures', 'slowCalls']);
}

/** Numbers that no window can hold would make sums that no call can ever take away. */
function isWindow(value: unknown): value is SavedWindow {
  if (!isRecord(value) || !isRecord(value['shape'])) return false;
  const { shape, outcomes, buckets } = value;
  if (shape['type'] === 'count') return isCount(shape['size']) && typeof outcomes === 'string';
  return shape['type'] === 'time' && isDuration(shape['durationMs']) && Array.isArray(buckets) && buckets.every(isBucket);
}

const LARGEST_BUCKET = 0xff_ff_ff_ff;

function isBucket(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [ageMs, calls, failures, slowCalls] = value as readonly unknown[];
  return (
    isDuration(ageMs) &&
    isCount(calls) &&
    calls <= LARGEST_BUCKET &&
    isCount(failures) &&
    failures <= calls &&
    isCount(slowCalls) &&
    slowCalls <= calls
  );
}
