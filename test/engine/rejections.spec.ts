import { AsyncLocalStorage } from 'node:async_hooks';
import { createResilience, policies } from '../../src/core.js';
import { Rejection } from '../../src/engine/contract/rejection.js';
import { ResilienceError } from '../../src/engine/error.js';
import type { Admission } from '../../src/engine/contract/admission.js';
import type { PolicyKind } from '../../src/engine/contract/kind.js';
import { Environment } from '../../src/engine/environment.js';
import { ProtectedOperation } from '../../src/engine/pipeline/protected-operation.js';
import { Registry } from '../../src/engine/state/registry.js';
import { fallbackKind } from '../../src/policies/fallback/index.js';
import { retryKind } from '../../src/policies/retry/index.js';
import { FakeClock } from '../../src/testing/index.js';

class ClosedError extends ResilienceError {
  override get isRetryable(): boolean {
    return false;
  }
}

/** Rejects every call, and counts how many errors were made of that. */
class Closed {
  readonly made: ResilienceError[] = [];
  readonly kind: PolicyKind = {
    kind: 'closed',
    label: 'Closed',
    rules: {},
    telemetry: { events: {}, counters: [], metrics: [] },
    build: () => [{ strategy: { kind: 'closed', name: 'closed', admit: () => this.reject() } }],
  };

  private reject(): Admission {
    const { made } = this;
    return new (class extends Rejection {
      readonly isRetryable = false;
      protected toError(): ResilienceError {
        const error = new ClosedError('closed', this);
        made.push(error);
        return error;
      }
    })('op', 'closed', false);
  }
}

const retryOptions = { maxAttempts: 3, backoff: 'none', respectRetryAfter: true };

function callThrough(closed: Closed, tier: object | undefined, stackTraces = false): Promise<unknown> {
  const environment = new Environment({ clock: new FakeClock(), stackTraces });
  const fallback = { kind: fallbackKind, name: 'op', options: { tiers: [tier] }, sources: {} };
  const operation = new ProtectedOperation({
    id: 'op',
    policies: [
      ...(tier === undefined ? [] : [fallback]),
      { kind: retryKind, name: 'op', options: retryOptions, sources: {} },
      { kind: closed.kind, name: 'op', options: {}, sources: {} },
    ],
    environment,
    registry: new Registry(environment),
    contextAt: undefined,
    onlyAsync: false,
  });
  return operation.run(undefined, () => Promise.resolve('never'), []);
}

describe('a rejection', () => {
  it('makes no error where a retry leaves it alone and a fallback answers with a value', async () => {
    const closed = new Closed();
    await expect(callThrough(closed, { value: 'answer' })).resolves.toBe('answer');
    expect(closed.made).toEqual([]);
  });

  it('is the same error for the fallback that is told and for the caller', async () => {
    const closed = new Closed();
    const told: unknown[] = [];
    const produce = (error: unknown): never => {
      told.push(error);
      throw new Error('no answer either');
    };
    const thrown: unknown = await callThrough(closed, { produce }).catch((error: unknown) => error);
    expect(closed.made).toHaveLength(1);
    expect([told[0], (thrown as Error).cause]).toEqual([closed.made[0], closed.made[0]]);
  });

  it.each([false, true])('reaches a caller as one error (stackTraces: %s)', async (stackTraces) => {
    const closed = new Closed();
    const thrown: unknown = await callThrough(closed, undefined, stackTraces).catch((error: unknown) => error);
    expect(closed.made).toEqual([thrown]);
  });

  it('without a stack says its name and message where a stack is shown', async () => {
    const policy = policies.bulkhead({ name: 'b', maxConcurrent: 1 });
    const resilience = createResilience();
    void resilience.execute(policy, () => new Promise(() => undefined));
    const { name, message, stack } = (await resilience.execute(policy, () => Promise.resolve()).catch((error: unknown) => error)) as Error;
    expect(stack).toBe(`${name}: ${message}`);
    void resilience.close();
  });

  it('leaves the limit of stack traces as it was', async () => {
    const limit = Error.stackTraceLimit;
    await callThrough(new Closed(), undefined).catch(() => undefined);
    expect(Error.stackTraceLimit).toBe(limit);
  });
});

describe('an attempt', () => {
  it.each([false, true])('runs in the async context of its call, whatever call came before (under a time limit: %s)', async (limited) => {
    const context = new AsyncLocalStorage<number>();
    const resilience = createResilience();
    const retry = policies.retry({ maxAttempts: 4, backoff: 'none' });
    const seen: (number | undefined)[] = [];
    let calls = 0;
    const task = resilience.wrap(limited ? policies.combine(retry, policies.timeout('1s')) : retry, async () => {
      seen.push(context.getStore());
      await Promise.resolve();
      seen.push(context.getStore());
      if (++calls % 4 !== 0) throw new Error('x');
    });
    for (const id of [1, 2, 3]) {
      seen.length = 0;
      await context.run(id, async () => {
        await task();
        seen.push(context.getStore());
      });
      expect(seen).toEqual(Array.from({ length: 9 }, () => id));
    }
  });
});
