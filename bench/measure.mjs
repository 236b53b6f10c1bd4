/**
 * Interleaved rounds: every entry runs a batch in each round, in turns, so that noise of the machine hits all alike.
 * Gives the median nanoseconds and the bytes of one operation for each, and the times of all rounds for ratios.
 */
import { performance } from 'node:perf_hooks';

const collect = globalThis.gc ?? (() => undefined);

/** @param entries `{ name, call }`; `call(index)` is awaited, and may reject. */
export async function measure(entries, { rounds, batchMs, size, bytesOf = 1000 }) {
  const sized = [];
  for (const entry of entries) sized.push({ ...entry, size: size ?? (await calibrate(entry.call, batchMs)), times: [], bytes: [] });
  for (let round = 0; round < rounds; round++) {
    for (const entry of sized) entry.times.push(await batch(entry.call, entry.size));
  }
  for (const entry of sized) for (let round = 0; round < 5; round++) entry.bytes.push(await allocation(entry.call, bytesOf));
  return sized.map(({ name, times, bytes }) => ({ name, times, medianNs: median(times), bytesPerOp: Math.round(median(bytes)) }));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many times as long: the median of the ratios of each round, so that a machine that slows down slows down both. */
export function ratio({ times }, reference) {
  return Math.round(median(times.map((time, round) => time / reference.times[round])) * 100) / 100;
}

/** How many operations take about so long; warms the code up on the way. */
async function calibrate(call, batchMs) {
  let size = 200;
  for (let tries = 0; tries < 20; tries++) {
    const ns = await batch(call, size);
    const wanted = Math.max(50, Math.round((batchMs * 1e6) / ns));
    if (tries > 3 && Math.abs(wanted - size) < size / 3) break;
    size = Math.min(wanted, size * 8);
  }
  return size;
}

/** Nanoseconds an operation. */
async function batch(call, size) {
  const started = performance.now();
  for (let index = 0; index < size; index++) {
    try {
      await call(index);
    } catch {
      // A rejection is what this scenario is about.
    }
  }
  return ((performance.now() - started) * 1e6) / size;
}

/** Bytes an operation allocates: heap growth of a batch that is too short for a collection. */
async function allocation(call, size) {
  await batch(call, size / 10);
  collect();
  const before = process.memoryUsage().heapUsed;
  await batch(call, size);
  return Math.max(0, (process.memoryUsage().heapUsed - before) / size);
}
