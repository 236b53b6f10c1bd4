/**
 * What is measured. A subject gets a method, the layers to put around it and their configuration, and gives the protected
 * function. Before anything is measured, each scenario asserts on the same subject that it really protects.
 */
import assert from 'node:assert/strict';

/** Generous in everything, so that a call that goes well is never turned away. */
export const OPEN_HANDED = { attempts: 3, window: 100, timeoutMs: 1000, concurrent: 100, limit: 1e9, perMs: 1000 };

const boom = Object.assign(new Error('boom'), { code: 'EBOOM' });
const ALL = ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'];

/** The methods that are protected: one that goes well, one that fails, one that fails twice and then goes well. */
export const ok = async (value) => value;
export const fail = async () => {
  throw boom;
};
let flakyCalls = 0;
export const flaky = async (value) => {
  if (++flakyCalls % 3 !== 0) throw boom;
  return value;
};

const hang = () => new Promise(() => undefined);

const rejects = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return undefined;
};

/** That a breaker opens: a failing method is called no more. */
async function opens(protect, layers, config) {
  let calls = 0;
  const call = await protect(
    async () => {
      calls++;
      throw boom;
    },
    layers,
    config,
  );
  for (let count = 0; count < 200; count++) await rejects(call(count));
  const after = calls;
  for (let count = 0; count < 20; count++) await rejects(call(count));
  assert.equal(calls, after, 'the breaker does not open');
}

async function retries(protect, layers, config) {
  let calls = 0;
  const call = await protect(
    async (value) => {
      if (++calls < 3) throw boom;
      return value;
    },
    layers,
    config,
  );
  assert.equal(await call(7), 7, 'it does not retry');
  assert.equal(calls, 3, 'it does not retry');
}

async function timesOut(protect, layers, config) {
  const call = await protect(hang, layers, { ...config, timeoutMs: 30 });
  const started = Date.now();
  assert.ok((await rejects(call(1))) !== undefined, 'it does not time out');
  assert.ok(Date.now() - started < 900, 'it times out late');
}

async function bounds(protect, layers, config) {
  let running = 0;
  const call = await protect(
    () => {
      running++;
      return hang();
    },
    layers,
    { ...config, concurrent: 2 },
  );
  const three = [1, 2, 3].map((value) => rejects(call(value)));
  const refused = await Promise.race([three[2], new Promise((resolve) => setTimeout(resolve, 500, undefined))]);
  assert.ok(refused !== undefined && running === 2, 'it does not bound what runs at a time');
}

async function limits(protect, layers, config) {
  let calls = 0;
  const call = await protect(
    async () => {
      calls++;
    },
    layers,
    { ...config, limit: 2, perMs: 60_000 },
  );
  for (let count = 0; count < 5; count++) await Promise.race([rejects(call(count)), new Promise((resolve) => setTimeout(resolve, 50))]);
  assert.equal(calls, 2, 'it does not limit');
}

async function answers(protect, layers, config) {
  const call = await protect(fail, layers, config);
  assert.equal(await call(1), 'fallback', 'it does not answer');
}

const CHECKS = { retry: retries, circuitBreaker: opens, timeout: timesOut, bulkhead: bounds, rateLimit: limits, fallback: answers };

/** Each layer on its own, with the configuration that is measured. */
async function eachProtects(subject, layers, config) {
  for (const layer of layers.filter((one) => subject.layers.includes(one))) await CHECKS[layer](subject.protect, [layer], config);
}

const single = (name, layer, config = {}) => ({
  name,
  layers: [layer],
  method: ok,
  config: { ...OPEN_HANDED, ...config },
  check: eachProtects,
});

/** `without` is a configuration of the same subject that is measured beside it, to take a ratio of. */
export const SCENARIOS = [
  {
    name: 'switched-off',
    layers: ALL.slice(1), // the fallback works even where everything else is switched off
    method: ok,
    config: { ...OPEN_HANDED, enabled: false },
    check: async () => undefined,
    needs: 'switch',
  },
  { name: 'all-six', layers: ALL, method: ok, config: OPEN_HANDED, check: eachProtects },
  { name: 'all-but-timeout', layers: ALL.filter((layer) => layer !== 'timeout'), method: ok, config: OPEN_HANDED, check: eachProtects },
  single('retry', 'retry'),
  single('circuit-breaker', 'circuitBreaker'),
  single('circuit-breaker-time', 'circuitBreaker', { window: '10s' }),
  single('timeout', 'timeout'),
  single('bulkhead', 'bulkhead'),
  single('rate-limit', 'rateLimit'),
  single('fallback', 'fallback'),
  {
    name: 'open-with-fallback',
    layers: ['fallback', 'circuitBreaker'],
    method: fail,
    config: OPEN_HANDED,
    check: eachProtects,
    prime: 200,
  },
  { name: 'open-rejection', layers: ['circuitBreaker'], method: fail, config: OPEN_HANDED, check: eachProtects, prime: 200 },
  {
    name: 'bulkhead-rejection',
    layers: ['bulkhead'],
    method: hang,
    config: { ...OPEN_HANDED, concurrent: 1 },
    check: eachProtects,
    occupy: 1,
  },
  {
    name: 'rate-limit-rejection',
    layers: ['rateLimit'],
    method: ok,
    config: { ...OPEN_HANDED, limit: 1, perMs: 3_600_000 },
    check: eachProtects,
    prime: 1,
  },
  { name: 'retry-twice', layers: ['retry'], method: flaky, config: OPEN_HANDED, check: eachProtects },
  { name: 'observable-all-six', layers: ALL, method: ok, config: OPEN_HANDED, check: async () => undefined, needs: 'observable' },
  // Last, because V8 learns from it that calls may be measured: an application measures or does not.
  {
    name: 'all-six-prometheus',
    layers: ALL,
    method: ok,
    config: { ...OPEN_HANDED, prometheus: true },
    check: eachProtects,
    needs: 'prometheus',
    without: OPEN_HANDED,
  },
];
