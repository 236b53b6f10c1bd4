// Copied into an application with the packed library installed, and run there: the ES module build protects what was decorated by the CommonJS
// build, and errors are recognised across both.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as esm from 'nestjs-bulwark';

const require = createRequire(import.meta.url);
const cjs = require('nestjs-bulwark');
const { Test } = require('@nestjs/testing');
const { Injectable } = require('@nestjs/common');
assert.notEqual(cjs.Retry, esm.Retry, 'two copies of the library are loaded');

function decorated(library) {
  class Client {
    calls = 0;
    async work() {
      this.calls++;
      throw new Error('no');
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, 'work');
  library.Retry({ maxAttempts: 3, backoff: 'none' })(Client.prototype, 'work', descriptor);
  Object.defineProperty(Client.prototype, 'work', descriptor);
  Injectable()(Client);
  return Client;
}

for (const { runtime, decorators, what } of [
  { runtime: esm, decorators: cjs, what: 'decorated by the CommonJS build, run by the ES modules' },
  { runtime: cjs, decorators: esm, what: 'decorated by the ES modules, run by the CommonJS build' },
]) {
  const [Foreign, Own] = [decorated(decorators), decorated(runtime)];
  const module = await Test.createTestingModule({ imports: [runtime.ResilienceModule.forRoot()], providers: [Foreign, Own] }).compile();
  await module.init();
  for (const Client of [Foreign, Own]) {
    const client = module.get(Client);
    await assert.rejects(client.work(), /no/);
    assert.equal(client.calls, 3, `${what}: protected`);
  }
  await module.close();
}

for (const [one, other] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const error = new one.CircuitOpenError('open', {});
  assert.ok(
    error instanceof other.CircuitOpenError && error instanceof other.ResilienceError && !(error instanceof other.BulkheadFullError),
  );
  assert.equal(error.code, 'ERR_CIRCUIT_OPEN');
  const resilience = one.createResilience();
  let calls = 0;
  const task = async () => {
    calls++;
    throw new other.CircuitOpenError('open', {});
  };
  await assert.rejects(resilience.execute(one.policies.retry({ maxAttempts: 2, backoff: 'none' }), task));
  await assert.rejects(resilience.execute(one.policies.retry({ maxAttempts: 2, backoff: 'none', on: other.ResilienceError }), task));
  assert.equal(calls, 3, 'an error of the other build is known');
}
console.log('  both builds work together');
