import type { CircuitCountsBatch, CircuitRecord, MergedCircuit } from '../../../policies/circuit-breaker/shared/circuit-store.js';
import type { CircuitStateName } from '../../../policies/circuit-breaker/circuit-state.js';

/** By the number that stands for each in the store. */
const STATES: readonly CircuitStateName[] = ['closed', 'open', 'half-open', 'forced-open', 'disabled', 'metrics-only'];

/** Length of a generation, and what stands for none. */
const GENERATION = 16;
const NO_GENERATION = Buffer.alloc(GENERATION);

const RECORD_BYTES = 1 + 2 * GENERATION + 3 * 8 + 4 + 8 + 5 * 4;
const SUMS_BYTES = 4 * 4;

/** Writes numbers one after the other, as `struct` reads them: little-endian, without gaps. */
class Packer {
  private readonly parts: Buffer[] = [];

  byte(value: number): this {
    this.parts.push(Buffer.of(value));
    return this;
  }

  short(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    this.parts.push(part);
    return this;
  }

  /** A whole number; what does not fit is the most that does. */
  integer(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(Math.min(value, 0xffff_ffff));
    this.parts.push(part);
    return this;
  }

  double(value: number): this {
    const part = Buffer.alloc(8);
    part.writeDoubleLE(value);
    this.parts.push(part);
    return this;
  }

  generation(value: string): this {
    this.parts.push(value === '' ? NO_GENERATION : Buffer.from(value, 'latin1'));
    return this;
  }

  packed(): Buffer {
    return Buffer.concat(this.parts);
  }
}

export function stateNumber(state: CircuitStateName): number {
  return STATES.indexOf(state);
}

export function packRecord(record: CircuitRecord): Buffer {
  const { judged } = record;
  return new Packer()
    .byte(stateNumber(record.state))
    .generation(record.generation)
    .generation(record.previous)
    .double(record.version)
    .double(record.remainingMs)
    .double(record.openForMs ?? -1)
    .integer(record.openings)
    .double(record.firstOpenMs)
    .integer(record.successes)
    .integer(judged === undefined ? 0 : 1)
    .integer(judged?.calls ?? 0)
    .integer(judged?.failures ?? 0)
    .integer(judged?.slowCalls ?? 0)
    .packed();
}

/** A record that begins at `start`; undefined where there is none. */
export function readRecord(text: Buffer, start = 0): CircuitRecord | undefined {
  if (text.length < start + RECORD_BYTES) return undefined;
  let at = start;
  const integer = (): number => text.readUInt32LE((at += 4) - 4);
  const double = (): number => text.readDoubleLE((at += 8) - 8);
  const generation = (): string => {
    const value = text.subarray(at, (at += GENERATION));
    return value.equals(NO_GENERATION) ? '' : value.toString('latin1');
  };
  const state = STATES[text[at++]!]!;
  const record = { state, generation: generation(), previous: generation(), version: double(), remainingMs: double() };
  const openForMs = double();
  const [openings, firstOpenMs, successes, isJudged] = [integer(), double(), integer(), integer()];
  const judged = { calls: integer(), failures: integer(), slowCalls: integer() };
  return {
    ...record,
    openForMs: openForMs < 0 ? undefined : openForMs,
    openings,
    firstOpenMs,
    successes,
    judged: isJudged === 1 ? judged : undefined,
  };
}

export function readMerged(text: Buffer): MergedCircuit {
  return {
    calls: text.readUInt32LE(0),
    failures: text.readUInt32LE(4),
    slowCalls: text.readUInt32LE(8),
    failuresInARow: text.readUInt32LE(12),
    record: readRecord(text, SUMS_BYTES),
  };
}

export function packBatch(batch: CircuitCountsBatch): Buffer {
  const { window, ...judgement } = batch.judgement;
  const packer = new Packer()
    .generation(batch.generation)
    .generation(batch.nextGeneration)
    .byte(stateNumber(batch.state))
    .byte(window.type === 'time' ? 0 : 1)
    .double(window.type === 'time' ? window.durationMs / 10 : window.size)
    .integer(judgement.minimumCalls)
    .byte(judgement.usesRates ? 1 : 0)
    .double(judgement.failureRateThreshold)
    .double(judgement.slowCallRateThreshold)
    .integer(judgement.consecutiveFailures ?? 0)
    .double(batch.openMs)
    .double(batch.idleMs)
    .double(batch.countedForMs)
    .integer(batch.failureRuns.leading)
    .integer(batch.failureRuns.longest)
    .integer(batch.failureRuns.trailing)
    .short(batch.runs.length);
  for (const { calls, failures, slowCalls, ageMs } of batch.runs) packer.integer(calls).integer(failures).integer(slowCalls).double(ageMs);
  return packer.packed();
}
