/**
 * `npm run bench:scale`: what many calls, keys and waiters cost, each with the limit that it must keep. Fails where one is
 * passed.
 */
import { createHook } from 'node:async_hooks';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { createResilience, policies } from 'nestjs-bulwark/core';
import { OPEN_HANDED, ok } from './scenarios.mjs';
import bulwark from './subjects/bulwark.mjs';

const ALL = ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'];
let failures = 0;

/** Says a figure, and whether it keeps its limit. */
function say(what, figure, limit, unit = '') {
  const good = limit === undefined || figure <= limit;
  if (!good) failures++;
  const shown = Number.isInteger(figure) ? figure : figure.toPrecision(3);
  console.log(`${good ? '✓' : '✗'} ${what}: ${shown}${unit}${limit === undefined ? '' : ` (at most ${limit}${unit})`}`);
}

/** Bytes in use, typed arrays included. */
function used() {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const hang = () => new Promise(() => undefined);
const ignore = () => undefined;

async function inFlight(count) {
  // What V8 compiles and learns on the way is no cost of a call.
  const warm = await bulwark.protect(ok, ['timeout'], { timeoutMs: 60_000 });
  for (let index = 0; index < 50_000; index++) await warm(index);
  let timers = 0;
  const hook = createHook({ init: (_id, type) => void (timers += type === 'Timeout' ? 1 : 0) });
  const call = await bulwark.protect(hang, ['timeout'], { timeoutMs: 600_000 });
  const empty = used();
  const bareCalls = Array.from({ length: count }, () => hang());
  const ofBare = (used() - empty) / count;
  hook.enable();
  const first = call(0);
  const before = used();
  const started = performance.now();
  const protectedCalls = Array.from({ length: count }, (_, index) => call(index));
  const ns = ((performance.now() - started) * 1e6) / count;
  hook.disable();
  say(`${count} calls in flight under a timeout, timers`, timers, 1);
  say(`${count} calls in flight under a timeout, extra heap a call`, (used() - before) / count - ofBare, 1500, ' B');
  say(`${count} calls in flight under a timeout, time to start one`, ns, undefined, ' ns');
  return [first, bareCalls, protectedCalls];
}

async function keys(what, count, policy, limit) {
  const names = Array.from({ length: count }, (_, index) => `client-${index}`);
  for (const name of names) Symbol.for(name).toString(); // makes the strings flat and hashed before anything is measured
  const resilience = createResilience();
  await resilience.execute(policy, ok, { args: ['warm'] });
  const before = used();
  for (const name of names) await resilience.execute(policy, ok, { args: [name] });
  say(`${count} ${what} keys, bytes a key`, (used() - before) / count, limit, ' B');
  await resilience.close();
  return names;
}

async function manyCalls(rounds, each) {
  const call = await bulwark.protect(ok, ALL, OPEN_HANDED);
  const samples = [];
  for (let round = 0; round <= rounds; round++) {
    for (let index = 0; index < each; index++) await call(index);
    samples.push(used() / 1e6);
  }
  console.log(`  heap in MB after every ${each} calls: ${samples.map((sample) => sample.toFixed(2)).join(' ')}`);
  say(`${rounds * each} calls through all six, growth of the heap`, (samples.at(-1) - samples[0]) * 1000, 200, ' kB');
}

/** The 99th percentile of how late the event loop is while 200 callers call again and again. */
async function lateness(call) {
  const state = { running: true };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const callers = Array.from({ length: 200 }, async () => {
    while (state.running) {
      for (let index = 0; index < 20; index++) await call(index);
      await turn();
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 4000));
  delay.disable();
  state.running = false;
  await Promise.all(callers);
  return delay.percentile(99) / 1e6;
}

/** Nanoseconds for one waiter to come, and to be cancelled (every other one) or served. */
async function waiters(count) {
  const resilience = createResilience();
  const policy = policies.bulkhead({ name: `of ${count}`, maxConcurrent: 1, maxQueue: count });
  let free;
  const blocker = resilience.execute(policy, () => new Promise((resolve) => (free = resolve)));
  const controllers = Array.from({ length: count }, () => new AbortController());
  const started = performance.now();
  const waiting = controllers.map(({ signal }) => resilience.execute(policy, ok, { signal }).catch(ignore));
  for (let index = 0; index < count; index += 2) controllers[index].abort();
  free();
  await blocker;
  await Promise.all(waiting);
  const ns = ((performance.now() - started) * 1e6) / count;
  await resilience.close();
  return ns;
}

// What was measured once must not be collected while something else is.
const kept = [await inFlight(10_000)];
kept.push(
  await keys('rate-limit', 100_000, policies.rateLimit({ limit: 10, per: '1m', key: (name) => name, maxKeys: 200_000 }), 120),
  await keys('breaker', 10_000, policies.circuitBreaker({ window: 20, key: (name) => name, maxKeys: 20_000 }), 1024),
);
await manyCalls(10, 500_000);
const bare = await lateness(ok);
const protectedBy = await lateness(await bulwark.protect(ok, ALL, { ...OPEN_HANDED, concurrent: 1000 }));
say('event loop, p99 of its delay under load, bare', bare, undefined, ' ms');
say('event loop, p99 of its delay under load, all six', protectedBy, bare + 10, ' ms');
await waiters(1000);
await waiters(50_000);
const few = Math.min(await waiters(1000), await waiters(1000), await waiters(1000));
const many = Math.min(await waiters(50_000), await waiters(50_000));
say('bulkhead, a waiter of 1,000', few, undefined, ' ns');
say('bulkhead, a waiter of 50,000', many, undefined, ' ns');
say('bulkhead, a waiter of 50,000 against one of 1,000', many / few, 3, ' times');
process.exit(failures === 0 ? 0 : 1);
