/**
 * `npm run bench:redis`: what state shared by Redis costs, beside rate-limiter-flexible on the same client, in one process, in
 * interleaved rounds on a server of its own.
 *   --json FILE   writes the results
 *   --check       fails where a limit of limits-redis.json is passed
 *   --smoke       a moment of everything: it works, not how fast
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { createResilience, policies } from 'nestjs-bulwark/core';
import { redisStore } from 'nestjs-bulwark/redis';
import { measure, median } from './measure.mjs';
import { ok } from './scenarios.mjs';
import { startServer } from './redis-server.mjs';

const { values: flags } = parseArgs({ options: { json: { type: 'string' }, check: { type: 'boolean' }, smoke: { type: 'boolean' } } });
const { ROUNDS, ROUND_MS, IDLE_MS } =
  flags.smoke === true ? { ROUNDS: 1, ROUND_MS: 60, IDLE_MS: 500 } : { ROUNDS: 7, ROUND_MS: 500, IDLE_MS: 10_000 };
// So many that none is rejected: a decision that gives a permit is what is measured.
const LIMIT = 1e8;
/** Of so many decisions one is timed: the reading of a clock would cost as much as a leased one. */
const SAMPLE = 16;

const server = await startServer();
const results = [];
const { version } = await server.used();

for (const keys of [1, 1000]) for (const inFlight of [64, 256]) results.push(...(await limits(keys, inFlight)));
const breaker = await closedBreaker();
const idle = await idleBreakers(100, 8);
report();
if (flags.json !== undefined) {
  const summary = { node: process.version, cpu: cpus()[0].model, redis: version, results, breaker, idle };
  writeFileSync(flags.json, `${JSON.stringify(summary, undefined, 2)}\n`);
}
const passed = flags.check === true ? check() : 0;
await server.stop();
process.exit(passed === 0 ? 0 : 1);

/** Clients of one library and one version, each with one connection. */
function client() {
  return new Redis({ host: '127.0.0.1', port: server.port });
}

async function limits(keys, inFlight) {
  const names = Array.from({ length: keys }, (_, index) => `user-${index}`);
  const clients = [client(), client(), client()];
  const theirs = new RateLimiterRedis({ storeClient: clients[0], points: LIMIT, duration: 60, keyPrefix: 'rlf' });
  const shared = (sharing, own) => {
    const resilience = createResilience({ store: redisStore({ client: own, group: `bench-${sharing}`, commandTimeout: '5s' }) });
    const limiter = resilience.rateLimiter('bench', { limit: LIMIT, per: '1m', shared: sharing });
    return { resilience, ask: (key) => limiter.acquire({ key }) };
  };
  const exact = shared('exact', clients[1]);
  const leased = shared('leased', clients[2]);
  await Promise.all([exact.resilience.ready(), leased.resilience.ready()]);
  const subjects = [
    { subject: 'rate-limiter-flexible', ask: (key) => theirs.consume(key), rounds: [] },
    { subject: 'exact', ask: exact.ask, rounds: [] },
    { subject: 'leased', ask: leased.ask, rounds: [] },
  ];
  for (const { ask } of subjects) await round(ask, names, inFlight, ROUND_MS / 2); // warms up
  for (let count = 0; count < ROUNDS; count++)
    for (const { ask, rounds } of subjects) rounds.push(await round(ask, names, inFlight, ROUND_MS));
  for (const { resilience } of [exact, leased]) {
    await resilience.drain();
    await resilience.close();
  }
  for (const one of clients) one.disconnect();
  return subjects.map(({ subject, rounds }) => {
    const of = (field) => median(rounds.map((one) => one[field]));
    const times = median(rounds.map((one, index) => one.perSecond / subjects[0].rounds[index].perSecond));
    return {
      subject,
      keys,
      inFlight,
      perSecond: Math.round(of('perSecond')),
      times: Math.round(times * 100) / 100,
      p50Ms: of('p50Ms'),
      p99Ms: of('p99Ms'),
      clientUs: of('clientUs'),
      serverUs: of('serverUs'),
    };
  });
}

/** So many callers that ask again as soon as they are answered. */
async function round(ask, names, inFlight, ms) {
  const before = await server.used();
  const cpu = process.cpuUsage();
  const began = performance.now();
  const tookMs = [];
  let next = 0;
  let isOver = false;
  const caller = async () => {
    while (!isOver) {
      const index = next++;
      const key = names[index % names.length];
      if (index % SAMPLE !== 0) await ask(key);
      else {
        const asked = performance.now();
        await ask(key);
        const answered = performance.now();
        tookMs.push(answered - asked);
        isOver ||= answered - began > ms;
        // Answers that come within a turn are no reason to keep the event loop from everything else.
        if (index % (32 * SAMPLE) === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const after = await server.used();
  const sorted = Float64Array.from(tookMs).toSorted();
  const quantile = (share) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] * 1000) / 1000;
  const each = (microseconds) => Math.round((microseconds / next) * 100) / 100;
  return {
    perSecond: next / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    clientUs: each(user + system),
    serverUs: each((after.cpuS - before.cpuS) * 1e6),
  };
}

/** A call through a closed breaker: shared beside local. */
async function closedBreaker() {
  const resilience = createResilience({ store: redisStore({ url: server.url, group: 'bench-breaker' }) });
  await resilience.ready();
  const wrapped = (name, shared) => resilience.wrap(policies.circuitBreaker({ name, window: '10s', shared }), ok, { name });
  const entries = [
    { name: 'local', call: wrapped('local', false) },
    { name: 'shared', call: wrapped('shared', true) },
  ];
  const effort = flags.smoke === true ? { rounds: 3, size: 20, bytesOf: 20 } : { rounds: 41, batchMs: 4 };
  const [local, shared] = await measure(entries, effort);
  await resilience.drain();
  await resilience.close();
  const ratio = median(shared.times.map((time, index) => time / local.times[index]));
  return { localNs: Math.round(local.medianNs), sharedNs: Math.round(shared.medianNs), ratio: Math.round(ratio * 100) / 100 };
}

/** Commands a second of a fleet whose breakers are closed and that nobody calls. */
async function idleBreakers(breakers, instances) {
  const fleet = Array.from({ length: instances }, () => createResilience({ store: redisStore({ url: server.url, group: 'bench-idle' }) }));
  for (const resilience of fleet) {
    await resilience.ready();
    for (let index = 0; index < breakers; index++) {
      const name = `breaker-${index}`;
      await resilience.execute(policies.circuitBreaker({ name, window: '10s', shared: true }), () => 1, { name });
    }
  }
  await new Promise((resolve) => setTimeout(resolve, Math.min(2000, IDLE_MS)));
  const before = await server.commands();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const after = await server.commands();
  await Promise.all(fleet.map((resilience) => resilience.drain().then(() => resilience.close())));
  return { breakers, instances, commandsPerSecond: Math.round(((after - before) * 1000) / IDLE_MS) };
}

function report() {
  for (const { subject, keys, inFlight, perSecond, times, p50Ms, p99Ms, clientUs, serverUs } of results) {
    if (subject === 'rate-limiter-flexible') console.log(`\n${keys === 1 ? '1 key' : `${keys} keys`}, ${inFlight} in flight`);
    const speed = `${String(perSecond).padStart(8)}/s ${String(times).padStart(6)}×`;
    console.log(`  ${subject.padEnd(22)} ${speed}  p50 ${p50Ms} ms  p99 ${p99Ms} ms  CPU client ${clientUs} µs, server ${serverUs} µs`);
  }
  console.log(`\na closed breaker, shared: ${breaker.sharedNs} ns, local: ${breaker.localNs} ns, ${breaker.ratio}×`);
  console.log(`${idle.breakers} closed breakers of ${idle.instances} idle instances: ${idle.commandsPerSecond} commands/s`);
}

function cellOf(subject, keys, inFlight) {
  return results.find((one) => one.subject === subject && one.keys === keys && one.inFlight === inFlight);
}

/** Says every limit with what was measured; gives how many are passed. */
function check() {
  const wanted = JSON.parse(readFileSync(new URL('limits-redis.json', import.meta.url), 'utf8'));
  const lines = Object.entries(wanted.timesFaster).flatMap(([subject, cells]) =>
    Object.entries(cells).map(([cell, limit]) => {
      const [keys, inFlight] = cell.split('x').map(Number);
      const { times } = cellOf(subject, keys, inFlight);
      return {
        what: `${subject}, ${keys} keys, ${inFlight} in flight: times as many decisions`,
        actual: times,
        good: times >= limit,
        bound: `at least ${limit}`,
      };
    }),
  );
  for (const { subject, keys, inFlight, p99Ms } of results.filter((one) => one.subject !== 'rate-limiter-flexible')) {
    const theirs = cellOf('rate-limiter-flexible', keys, inFlight).p99Ms;
    lines.push({
      what: `${subject}, ${keys} keys, ${inFlight} in flight: p99 ms`,
      actual: p99Ms,
      good: p99Ms <= theirs,
      bound: `at most ${theirs}`,
    });
  }
  lines.push({
    what: 'closed breaker, shared against local',
    actual: breaker.ratio,
    good: breaker.ratio <= wanted.closedBreaker,
    bound: `at most ${wanted.closedBreaker}`,
  });
  lines.push({
    what: 'commands a second of an idle fleet',
    actual: idle.commandsPerSecond,
    good: idle.commandsPerSecond < wanted.idleCommands,
    bound: `below ${wanted.idleCommands}`,
  });
  console.log('');
  for (const { what, actual, good, bound } of lines) console.log(`${good ? '✓' : '✗'} ${what}: ${actual} (${bound})`);
  return lines.filter(({ good }) => !good).length;
}
