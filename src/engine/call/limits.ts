import type { Deadline } from '../waiting/timer-queue.js';

/** The time limit that a layer sets on a call. */
export function limitOf(limits: readonly Deadline[], layer: number): Deadline {
  let index = 0;
  while (limits[index]!.tag !== layer) index++;
  return limits[index]!;
}

/** When the first of the limits outside of a layer passes, or that other one. */
export function earliest(limits: readonly Deadline[], layer: number, other: number | undefined): number | undefined {
  let deadline = other;
  for (const { list, dueAt, tag } of limits) {
    if (list !== undefined && tag < layer && (deadline === undefined || dueAt < deadline)) deadline = dueAt;
  }
  return deadline;
}
