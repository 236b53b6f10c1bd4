import { createResilience, policies, type CircuitBreakerOptions, type ResilienceEvent } from '../../src/core.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { BAD, IgnoredError, mismatches, nameOf, play, runSteps } from './replay.js';
import { vectors, type Step, type Vector } from './vectors.js';

function optionsOf({ options }: Vector): CircuitBreakerOptions<[string | undefined]> {
  const given = options as {
    window?: { type: 'count'; size: number } | { type: 'time'; ms: number };
    minimum_calls?: number;
    failure_rate_threshold?: number;
    consecutive_failures?: number;
    slow_call_ms?: number;
    slow_call_rate_threshold?: number;
    open_ms: number | { initial: number; multiplier: number; max?: number };
    half_open_permits?: number;
    success_threshold?: number;
    half_open_timeout_ms?: number;
    per_key?: boolean;
  };
  const all = {
    window: given.window === undefined ? undefined : given.window.type === 'count' ? given.window.size : (`${given.window.ms}ms` as const),
    minimumCalls: given.minimum_calls,
    failureRateThreshold: given.failure_rate_threshold,
    consecutiveFailures: given.consecutive_failures,
    slowCallDuration: given.slow_call_ms,
    slowCallRateThreshold: given.slow_call_rate_threshold,
    openDuration: given.open_ms,
    halfOpenCalls: given.half_open_permits,
    successThreshold: given.success_threshold,
    halfOpenTimeout: given.half_open_timeout_ms,
    key: given.per_key === true ? (key: string | undefined) => key : undefined,
    ignore: IgnoredError,
    onResult: (value: unknown) => value === BAD,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const STATES: Record<string, string> = { 'half-open': 'half_open', 'forced-open': 'forced_open', 'metrics-only': 'metrics_only' };
const stateName = (state: string): string => STATES[state] ?? state;

async function replay(vector: Vector) {
  const clock = new FakeClock();
  const transitions: { at_ms: number; from: string; to: string }[] = [];
  let last = 'closed';
  const onEvent = (event: ResilienceEvent): void => {
    const to =
      event.type === 'circuit-breaker.state-forced'
        ? event.to
        : { 'circuit-breaker.opened': 'open', 'circuit-breaker.half-opened': 'half-open', 'circuit-breaker.closed': 'closed' }[
            event.type as string
          ];
    if (to === undefined || to === last) return;
    transitions.push({ at_ms: event.timestamp - clock.wallTime() + clock.now(), from: stateName(last), to: stateName(to) });
    last = to;
  };
  const resilience = createResilience({ clock, onEvent });
  // A layer of its own rejects inside of the breaker (R): a limiter that asks for more than there is.
  const policy = policies.combine(
    policies.circuitBreaker({ name: 'vector', ...optionsOf(vector) }),
    policies.rateLimit({ limit: 1_000_000, cost: ((_key: unknown, outcome: string) => (outcome === 'R' ? 2_000_000 : 1)) as never }),
  );
  const results: Record<string, unknown>[] = vector.steps.map(() => ({ result: 'PENDING' }));
  let invocations = 0;
  const call = (step: Step, index: number): void => {
    const controller = new AbortController();
    const outcome = step.outcome!;
    const aborts = outcome === 'A' ? step.duration_ms! : step.abort_at_ms === undefined ? undefined : step.abort_at_ms - step.at_ms;
    if (aborts !== undefined) clock.setTimer(() => controller.abort(), aborts);
    const result = results[index]!;
    result['invoked'] = false;
    const settle = (name: string, retryAfterMs?: number): void => {
      Object.assign(result, {
        result: name === 'ABORTED' && outcome === 'A' ? 'A' : name,
        settled_at_ms: clock.now(),
        retry_after_ms: retryAfterMs,
      });
    };
    const run = () =>
      resilience
        .execute(
          policy,
          () => {
            invocations++;
            result['invoked'] = true;
            return play(clock, { outcome: outcome === 'A' ? 'H' : outcome, duration_ms: step.duration_ms ?? 0 });
          },
          { signal: controller.signal, args: [step.key, outcome] },
        )
        .then(
          (value) => settle(value),
          (error: unknown) => settle(nameOf(error), (error as { retryAfterMs?: number }).retryAfterMs),
        );
    if (outcome !== 'R') void run();
    else {
      // The inner rejection comes after `duration_ms` in the vectors; a limiter rejects at once.
      Object.assign(result, { invoked: true, result: 'R' });
      invocations++;
      clock.setTimer(
        () =>
          void run().then(() => Object.assign(result, { result: result['result'] === 'LIMITED' ? 'R' : result['result'], invoked: true })),
        step.duration_ms!,
      );
    }
  };
  const breaker = resilience.circuitBreaker('vector', optionsOf(vector));
  await runSteps(clock, vector.steps, (step, index) => {
    if (step.op === 'call') call(step, index);
    else if (step.op === 'read_state')
      results[index] = { state: stateName(step.key === undefined ? breaker.state : breaker.stateOf(step.key)) };
    else if (step.op === 'force_open') breaker.forceOpen(step.key);
    else if (step.op === 'disable') breaker.disable(step.key);
    else if (step.op === 'metrics_only') breaker.metricsOnly(step.key);
    else if (step.op === 'reset') breaker.reset(step.key);
    else throw new Error(`unknown step ${step.op}`);
  });
  return { results, transitions, invocations };
}

describe('circuit breaker vectors', () => {
  it.each(vectors('breaker').map((vector) => [`${vector.id} ${vector.title}`, vector] as const))('%s', async (_title, vector) => {
    const { results, transitions, invocations } = await replay(vector);
    const problems = vector.expect.flatMap((expected, index) =>
      mismatches(results[index]!, expected).map((problem) => `step ${index}: ${problem}`),
    );
    expect(problems).toEqual([]);
    expect(invocations).toBe(vector['invocations']);
    expect(transitions).toEqual(vector['transitions']);
  });
});
