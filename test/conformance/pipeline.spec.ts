import {
  CircuitOpenError,
  createResilience,
  policies,
  TimeoutExceededError,
  type Order,
  type PolicyKindName,
  type SinglePolicy,
} from '../../src/core.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { FinalError, mismatches, nameOf, play, runSteps, ScriptedError } from './replay.js';
import { vectors, type Vector } from './vectors.js';

interface Options {
  readonly fallback?: object;
  readonly total_timeout?: { readonly ms: number };
  readonly retry?: {
    readonly max_attempts: number;
    readonly backoff: { readonly type: string; readonly initial_ms?: number };
    readonly never?: readonly string[];
  };
  readonly breaker?: Record<string, unknown>;
  readonly rate_limit?: { readonly limit: number; readonly per_ms: number };
  readonly timeout?: { readonly ms: number };
  readonly bulkhead?: { readonly max_concurrent: number; readonly max_queue?: number };
  readonly order?: readonly string[];
}

const KINDS: Record<string, PolicyKindName> = { breaker: 'circuitBreaker', rate_limit: 'rateLimit' };

function breakerOf(given: Record<string, unknown>): SinglePolicy {
  const window = given['window'] as { type: string; size?: number; ms?: number } | undefined;
  const options = {
    name: 'vector',
    window: window === undefined ? undefined : (window.size ?? `${window.ms}ms`),
    minimumCalls: given['minimum_calls'],
    failureRateThreshold: given['failure_rate_threshold'],
    consecutiveFailures: given['consecutive_failures'],
    openDuration: given['open_ms'],
    halfOpenCalls: given['half_open_permits'],
    successThreshold: given['success_threshold'],
    halfOpenTimeout: given['half_open_timeout_ms'],
    ignore: FinalError,
  };
  return policies.circuitBreaker(Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)));
}

function policiesOf({ fallback, total_timeout, retry, breaker, rate_limit, timeout, bulkhead }: Options): SinglePolicy[] {
  const never = retry?.never ?? ['N', 'OPEN'];
  const retried = (error: unknown): boolean =>
    !never.includes(
      error instanceof ScriptedError
        ? error.outcome
        : error instanceof CircuitOpenError
          ? 'OPEN'
          : error instanceof TimeoutExceededError
            ? 'T'
            : '',
    );
  return [
    ...(fallback === undefined ? [] : [policies.fallback({ tiers: [() => 'FB'] })]),
    ...(retry === undefined
      ? []
      : [
          policies.retry({
            maxAttempts: retry.max_attempts,
            backoff: retry.backoff.type === 'none' ? 'none' : retry.backoff.initial_ms!,
            respectRetryAfter: false,
            on: retried,
          }),
        ]),
    ...(breaker === undefined ? [] : [breakerOf(breaker)]),
    ...(rate_limit === undefined ? [] : [policies.rateLimit({ limit: rate_limit.limit, per: rate_limit.per_ms })]),
    ...(timeout === undefined && total_timeout === undefined
      ? []
      : [
          policies.timeout({
            ...(timeout === undefined ? {} : { duration: timeout.ms }),
            ...(total_timeout === undefined ? {} : { total: total_timeout.ms }),
          }),
        ]),
    ...(bulkhead === undefined ? [] : [policies.bulkhead({ maxConcurrent: bulkhead.max_concurrent, maxQueue: bulkhead.max_queue ?? 0 })]),
  ];
}

async function replay(vector: Vector) {
  const clock = new FakeClock();
  const options = vector.options as unknown as Options;
  const order = options.order?.map((kind) => KINDS[kind] ?? kind).filter((kind) => kind !== 'total_timeout') as
    PolicyKindName[] | undefined;
  const all: PolicyKindName[] = ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'];
  const complete: { order?: Order<PolicyKindName> } =
    order === undefined ? {} : { order: [...order, ...all.filter((kind) => !order.includes(kind))] };
  const resilience = createResilience({ clock, ...complete });
  const policy = policies.combine(...policiesOf(options));
  const results: Record<string, unknown>[] = vector.steps.map(() => ({}));
  let total = 0;
  await runSteps(clock, vector.steps, (step, index) => {
    if (step.op === 'read_state') {
      results[index] = {
        state:
          { 'half-open': 'half_open' }[resilience.circuitBreaker('vector').state as string] ?? resilience.circuitBreaker('vector').state,
      };
      return;
    }
    const controller = new AbortController();
    if (step.abort_at_ms !== undefined) clock.setTimer(() => controller.abort(), step.abort_at_ms - step.at_ms);
    const starts: number[] = [];
    results[index] = { result: 'PENDING', starts_ms: starts };
    const settle = (result: string): void => {
      Object.assign(results[index]!, { result, invocations: starts.length, settled_at_ms: clock.now() });
    };
    resilience
      .execute(
        policy,
        () => {
          total++;
          starts.push(clock.now());
          return play(clock, step.attempts![Math.min(starts.length, step.attempts!.length) - 1]!);
        },
        { signal: controller.signal },
      )
      .then(settle, (error: unknown) => settle(nameOf(error)));
  });
  return { results, total };
}

describe('pipeline vectors', () => {
  it.each(vectors('pipeline').map((vector) => [`${vector.id} ${vector.title}`, vector] as const))('%s', async (_title, vector) => {
    const { results, total } = await replay(vector);
    const problems = vector.expect.flatMap((expected, index) =>
      mismatches(results[index]!, expected).map((problem) => `step ${index}: ${problem}`),
    );
    expect(problems).toEqual([]);
    expect(total).toBe(vector['total_invocations']);
  });
});
