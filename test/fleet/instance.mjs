/**
 * One instance of a fleet, in a process of its own, on the built library. It does what its plan says and writes a line for each
 * admission, with the server's time of the moment before it asked and of the moment after it was answered: the store has decided
 * in between. Plan: see `Plan` in fleet.ts.
 */
import { openSync, writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { createResilience, policies, systemClock } from 'nestjs-bulwark/core';
import { redisStore } from 'nestjs-bulwark/redis';

const plan = JSON.parse(process.env.PLAN);
const ledger = openSync(plan.ledger, 'a');
const write = (line) => writeSync(ledger, `${JSON.stringify(line)}\n`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What this process has seen, told when it is asked.
const seen = {
  calls: 0,
  admitted: 0,
  rejected: {},
  failed: {},
  slowestMs: {},
  unhandled: [],
  warnings: [],
  transitions: [],
  storeEvents: [],
};
process.on('unhandledRejection', (reason) => seen.unhandled.push(String(reason?.stack ?? reason)));
process.on('uncaughtException', (error) => seen.unhandled.push(String(error?.stack ?? error)));
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();

// The server's time, by a connection of our own that knows no fault: the quickest answer says it best, and is older each second.
const control = new Redis(plan.control, { maxRetriesPerRequest: 0, retryStrategy: () => 50 });
control.on('error', () => undefined);
const DRIFT = 20e-6;
let [offset, error, knownAt] = [0, Infinity, 0];
/** How far from the server's time ours may be, in milliseconds. */
const doubt = () => error + (performance.now() - knownAt) * DRIFT;
async function synchronise() {
  for (let count = 0; count < 15; count++) {
    const sent = performance.now();
    let answer;
    try {
      answer = await control.time();
    } catch {
      return; // the server is away
    }
    const received = performance.now();
    if ((received - sent) / 2 >= doubt()) continue;
    [error, knownAt] = [(received - sent) / 2, received];
    const [seconds, microseconds] = answer.map(Number);
    offset = seconds * 1000 + microseconds / 1000 - (sent + received) / 2;
  }
}
const serverTime = () => performance.now() + offset;
await synchronise();

const clock = plan.clockOffsetMs
  ? { ...systemClock, now: () => systemClock.now() + plan.clockOffsetMs, wallTime: () => Date.now() + plan.clockOffsetMs }
  : systemClock;
const ownClients = [];
/** A client of the application's own where the plan names a Sentinel. */
function connection({ sentinel, ...options }) {
  if (sentinel === undefined) return options;
  const client = new Redis(sentinel);
  client.on('error', () => undefined);
  ownClients.push(client);
  return { ...options, client };
}
const resilience = createResilience({
  clock,
  store: redisStore({ group: 'fleet', expectedInstances: plan.instances, instance: plan.name, ...connection(plan.store) }),
  logger: {
    warn: (message) => seen.warnings.push(message),
    error: (message, cause) => seen.warnings.push(`${message} ${String(cause?.stack ?? cause)}`),
  },
  onEvent: (event) => {
    if (event.type.startsWith('store.')) seen.storeEvents.push({ type: event.type, at: serverTime() });
    if (/^circuit-breaker\.(opened|closed|half-opened|state-forced)$/.test(event.type)) {
      seen.transitions.push({ type: event.type, name: event.policyName, at: serverTime() });
    }
  },
});

await resilience.ready();

/** One call; what came of it is counted, and how long it took beyond what its own work takes. */
async function attempt(load, call) {
  const before = serverTime();
  seen.calls++;
  let worked = 0;
  try {
    await call(before, (ms) => (worked += ms));
    seen.admitted++;
  } catch (error) {
    const into = error?.name?.endsWith('Error') && error.operationId !== undefined ? seen.rejected : seen.failed;
    const id = into === seen.failed ? `${load.name} ${String(error)}` : `${load.name} ${error.name}`;
    into[id] = (into[id] ?? 0) + 1;
  }
  const tookMs = serverTime() - before - worked;
  seen.slowestMs[load.name] = Math.max(seen.slowestMs[load.name] ?? 0, tookMs);
}

const loads = {
  limit(load) {
    const { name, limit, per, algorithm, shared, maxWait, keys = 0, onStoreFailure, burst } = load;
    const policy = policies.rateLimit({
      name,
      limit,
      per,
      shared,
      ...(algorithm && { algorithm }),
      ...(maxWait && { maxWait }),
      ...(burst && { burst }),
      ...(onStoreFailure && { onStoreFailure }),
      ...(keys > 0 && { key: (key) => key }),
    });
    return (count) => {
      const key = keys > 0 ? `user-${count % keys}` : undefined;
      return attempt(load, (before) =>
        resilience.execute(
          policy,
          () => write({ what: 'permit', name, key, from: before - doubt(), to: serverTime() + doubt(), by: plan.name }),
          {
            name,
            args: [key],
          },
        ),
      );
    };
  },
  bulkhead(load) {
    const { name, permits, holdMs, maxQueue = 0, onStoreFailure } = load;
    const policy = policies.bulkhead({
      name,
      maxConcurrent: permits,
      shared: true,
      ...(maxQueue && { maxQueue, queueTimeout: load.queueTimeout }),
      ...(onStoreFailure && { onStoreFailure }),
    });
    let holds = 0;
    return () =>
      attempt(load, (_before, worked) =>
        resilience.execute(
          policy,
          async () => {
            const id = `${plan.name}-${++holds}`;
            const from = serverTime();
            write({ what: 'hold', name, id, from: from + doubt(), by: plan.name });
            await pause(holdMs);
            const to = serverTime();
            worked(to - from);
            write({ what: 'release', name, id, to: to - doubt() });
          },
          { name },
        ),
      );
  },
  breaker(load) {
    const { name, onStoreFailure, ...options } = load.options;
    const policy = policies.circuitBreaker({ name, shared: true, ...options, ...(onStoreFailure && { onStoreFailure }) });
    return () =>
      attempt(load, (_before, worked) =>
        resilience.execute(
          policy,
          async () => {
            const began = serverTime();
            const response = await fetch(`${plan.upstream}/?by=${plan.name}&at=${began}`, { signal: AbortSignal.timeout(5000) });
            await response.text();
            worked(serverTime() - began);
            if (!response.ok) throw Object.assign(new Error('upstream'), { name: 'UpstreamError', operationId: name });
          },
          { name },
        ),
      );
  },
};

/** Asks so often, whether the calls before are over or not. */
async function drive(load, isOver) {
  const call = loads[load.kind](load);
  const inFlight = new Set();
  let count = 0;
  const began = performance.now();
  while (!isOver()) {
    const due = Math.floor(((performance.now() - began) / 1000) * load.perSecond);
    // What a pause has missed is not made up for: callers of a real service have gone away by then.
    if (due - count > load.perSecond) count = due - load.perSecond;
    for (; count < due; count++) {
      const one = call(count);
      inFlight.add(one);
      one.finally(() => inFlight.delete(one));
    }
    await pause(Math.min(10, 1000 / load.perSecond));
  }
  await Promise.all(inFlight);
}

let over = false;
const running = plan.loads.map((load) => drive(load, () => over));
const syncing = setInterval(synchronise, 1000);
syncing.unref();

process.on('message', async (message) => {
  if (message === 'look') {
    process.send({ ...seen, loopDelayMs: loop.max / 1e6, breakers: resilience.circuitBreakers().map(({ name, state }) => [name, state]) });
    loop.reset();
    Object.assign(seen, { calls: 0, admitted: 0, rejected: {}, failed: {}, slowestMs: {}, storeEvents: [], transitions: [], warnings: [] });
  }
  if (message === 'stop') {
    over = true;
    await Promise.all(running);
    await resilience.drain({ timeout: '5s' });
    await resilience.close();
    for (const client of [control, ...ownClients]) client.disconnect();
    clearInterval(syncing);
    process.send({ ...seen, loopDelayMs: loop.max / 1e6 });
    loop.disable();
    // From here on nothing of ours may keep the process: it ends by itself, or the test says that it does not.
    process.disconnect();
  }
});
process.send('started');
