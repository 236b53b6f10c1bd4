import { errorClassOf } from '../../engine/telemetry/call-observer.js';
import type { CircuitBreaker, CircuitStateName } from '../../core.js';
import type { ResilienceService } from '../../nest/index.js';
import type {
  BulkheadHealthOptions,
  CircuitBreakerHealthOptions,
  HealthSelection,
  HealthStatus,
  RateLimiterHealthOptions,
} from './health-options.js';

/** What was found of one instance. */
export interface HealthEntry {
  readonly name: string;
  readonly status: HealthStatus;
  readonly details: Readonly<Record<string, unknown>>;
}

const SEVERITY: Record<HealthStatus, number> = { up: 0, degraded: 1, down: 2 };

/** Nothing at all is up. */
export function worstOf(findings: readonly HealthEntry[]): HealthStatus {
  return findings.reduce<HealthStatus>((worst, { status }) => (SEVERITY[status] > SEVERITY[worst] ? status : worst), 'up');
}

export function circuitBreakerEntries(resilience: ResilienceService, options: CircuitBreakerHealthOptions): readonly HealthEntry[] {
  return select(resilience.circuitBreakers(), options, (breaker) => {
    const { key, state, failureRate, slowCallRate, calls, nextTrialInMs, lastError } = breaker.worst();
    const openIs = options.openIs ?? (breaker.critical ? 'down' : 'degraded');
    const status = isOpen(state) ? openIs : state === 'half-open' ? (options.halfOpenIs ?? 'degraded') : 'up';
    return {
      status,
      details: known({
        state,
        ...keysOf(breaker, options.showKeys === true ? key : undefined),
        critical: breaker.critical,
        failureRate,
        slowCallRate,
        calls,
        nextTrialInMs: nextTrialInMs === undefined ? undefined : Math.ceil(nextTrialInMs),
        lastError: classOf(lastError),
        heldUpBy: state === 'half-open' ? heldUpBy(resilience, breaker.name) : undefined,
      }),
    };
  });
}

export function bulkheadEntries(resilience: ResilienceService, options: BulkheadHealthOptions): readonly HealthEntry[] {
  const { maxUtilization = 1, saturatedIs = 'degraded' } = options;
  return select(resilience.bulkheads(), options, ({ utilization, running, queued, maxConcurrent, rejections, abandoned, released }) => ({
    status: utilization >= maxUtilization ? saturatedIs : 'up',
    details: { utilization, running, queued, maxConcurrent, rejections, abandoned, released },
  }));
}

export function rateLimiterEntries(resilience: ResilienceService, options: RateLimiterHealthOptions): readonly HealthEntry[] {
  return select(resilience.rateLimiters(), options, (limiter) => {
    const { remaining, resetAfterMs } = limiter.peek();
    return {
      status: remaining === 0 ? (options.exhaustedIs ?? 'up') : 'up',
      details: {
        remaining,
        resetAfterMs: Math.ceil(resetAfterMs),
        waiting: limiter.waiting,
        rejections: limiter.rejections,
        keys: limiter.keyCount,
      },
    };
  });
}

/** A bulkhead inside of a breaker whose places are taken by calls that were answered long ago: no trial gets through to the method. */
function heldUpBy(resilience: ResilienceService, breaker: string): string | undefined {
  const isFull = new Set(
    resilience
      .bulkheads()
      .filter(({ abandoned, running, maxConcurrent }) => abandoned > 0 && running >= maxConcurrent)
      .map(({ name }) => name),
  );
  const inside = resilience
    .list()
    .filter(({ policies }) => policies.some(({ kind, name }) => kind === 'circuitBreaker' && name === breaker))
    .flatMap(({ policies }) => policies.filter(({ kind, name }) => kind === 'bulkhead' && isFull.has(name)));
  const [first] = inside;
  return first === undefined
    ? undefined
    : `bulkhead ${first.name}: its places are taken by calls that were answered already (see releaseAfter)`;
}

/** A name that is asked for and not there is degraded: it is misspelt, or what it protects was never used. */
function select<Instance extends { readonly name: string }>(
  instances: readonly Instance[],
  { names }: HealthSelection,
  look: (instance: Instance) => Omit<HealthEntry, 'name'>,
): readonly HealthEntry[] {
  const chosen = names === undefined ? instances : instances.filter(({ name }) => names.includes(name));
  const missing = (names ?? []).filter((name) => !instances.some((instance) => instance.name === name));
  return [
    ...chosen.map((instance): HealthEntry => Object.assign({ name: instance.name }, look(instance))),
    ...missing.map((name): HealthEntry => ({ name, status: 'degraded', details: { state: 'unknown' } })),
  ];
}

function known(details: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}

/** How many circuits of keys are open; a key may be a person's, so it is shown only where that is wanted. */
function keysOf(breaker: CircuitBreaker, key: string | undefined): { readonly openKeys?: number; readonly key?: string | undefined } {
  if (breaker.keyCount === 0) return {};
  const look = breaker.observer();
  const open = breaker.observeCircuits().filter((circuit) => circuit.key !== undefined && isOpen(look(circuit).state));
  return { openKeys: open.length, key };
}

function isOpen(state: CircuitStateName): boolean {
  return state === 'open' || state === 'forced-open';
}

/** Only the class: the text of an error may hold what a probe must not show. */
function classOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return error instanceof Error ? errorClassOf(error) : typeof error;
}
