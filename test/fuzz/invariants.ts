import { getEventListeners } from 'node:events';
import { Token } from './tracked.js';
import type { World } from './world.js';

/** What must hold when everything has come to its end. */
export async function atRest(world: World): Promise<readonly string[]> {
  const { resilience, clock, calls, problems } = world;
  const say = (problem: string): number => problems.push(problem);
  for (const call of calls) {
    if (!call.isOver) say(`call ${call.id} never ended`);
    const listeners = getEventListeners(call.controller.signal, 'abort').length;
    if (listeners > 0) say(`the signal of call ${call.id} keeps ${listeners} listeners`);
  }
  if (calls.length > 0) {
    const { operations, successes, failures, aborts } = resilience.metrics('op');
    if (operations !== successes + failures + aborts) say(`${operations} operations, but ${successes} + ${failures} + ${aborts} ends`);
    if (operations !== calls.length) say(`${operations} operations counted, ${calls.length} calls made`);
  }
  for (const bulkhead of resilience.bulkheads()) {
    if (bulkhead.running !== 0 || bulkhead.queued !== 0)
      say(`a bulkhead at rest has ${bulkhead.running} running and ${bulkhead.queued} queued`);
  }
  for (const limiter of resilience.rateLimiters()) if (limiter.waiting !== 0) say(`a limiter at rest has ${limiter.waiting} waiting`);
  if (clock.pendingTimers > 0) say(`${clock.pendingTimers} timers are left`);
  const kept = reachable(resilience, (value) => value instanceof Token || value instanceof AbortSignal);
  if (kept !== undefined) say(`the library keeps what belongs to a call: ${kept}`);
  for (const breaker of resilience.circuitBreakers()) {
    for (let trial = 0; trial < 5 && breaker.state !== 'closed'; trial++) {
      if (!['open', 'half-open'].includes(breaker.state)) break;
      await clock.advance(1000);
      breaker.tryAcquire()?.success();
    }
    if (['open', 'half-open'].includes(breaker.state)) say(`a breaker stays ${breaker.state}`);
  }
  return problems;
}

/** The path to the first object below that is looked for. */
function reachable(root: object, isIt: (value: object) => boolean): string | undefined {
  const seen = new Set<object>([root]);
  const queue: [object, string][] = [[root, 'resilience']];
  for (const [object, path] of queue) {
    if (isIt(object)) return path;
    const inner: [unknown, unknown][] =
      object instanceof Map
        ? [...object].flatMap(
            ([key, value], index) =>
              [
                [`key ${index}`, key],
                [String(key), value],
              ] as [unknown, unknown][],
          )
        : object instanceof Set
          ? [...object].map((value, index) => [index, value])
          : Reflect.ownKeys(object).map((name) => [String(name), Object.getOwnPropertyDescriptor(object, name)?.value]);
    for (const [name, value] of inner) {
      if (typeof value !== 'object' || value === null || seen.has(value) || value instanceof Error) continue;
      seen.add(value);
      queue.push([value, `${path}.${String(name)}`]);
    }
  }
  return undefined;
}
