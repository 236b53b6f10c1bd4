import type { CommandDeclaration, HealthFinding, HealthStatus, KeyListing, KeyPage } from '../../engine/contract/instance.js';
import { errorClassOf } from '../../engine/telemetry/call-observer.js';
import { choice, flag, type OptionsOf, type Rule } from '../../options/index.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import type { CircuitCommandOptions } from './shared/command.js';
import type { CircuitSnapshot } from './snapshot.js';
import { isOpen, severityOf } from './states.js';

/** How the state of a circuit breaker is told. */
export interface CircuitBreakerHealthOptions {
  /** Which of them, by name. Default: all. */
  readonly names?: readonly string[];
  /** What an open circuit means. Default: `'down'` for a critical breaker, `'degraded'` for the others. */
  readonly openIs?: HealthStatus;
  /**
   * What a half-open circuit means. Not `'down'` by default, not even for a critical one: without traffic there is no
   * trial, and the circuit would stay as it is.
   * @default 'degraded'
   */
  readonly halfOpenIs?: HealthStatus;
  /**
   * Shows the key of the worst circuit. Keys are often somebody's (a tenant, an address, an API key), and a probe's answer is seen by
   * many, so by default there is only the number of keys whose circuits are open.
   * @default false
   */
  readonly showKeys?: boolean;
}

const STATUSES = ['up', 'degraded', 'down'] as const;

const healthRules = {
  openIs: choice(STATUSES),
  halfOpenIs: choice(STATUSES, { default: 'degraded' }),
  showKeys: flag({ default: false }),
} satisfies Record<Exclude<keyof CircuitBreakerHealthOptions, 'names'>, Rule>;

function healthOf(breaker: CircuitBreaker, { openIs, halfOpenIs, showKeys }: OptionsOf<typeof healthRules>): HealthFinding {
  const { critical } = breaker;
  const { key, state, failureRate, slowCallRate, calls, nextTrialInMs, lastError } = breaker.worst();
  const whenOpen = openIs ?? (critical ? 'down' : 'degraded');
  return {
    status: isOpen(state) ? whenOpen : state === 'half-open' ? halfOpenIs : 'up',
    details: {
      state,
      ...(breaker.keyCount === 0 ? {} : { openKeys: openKeysOf(breaker), key: showKeys ? key : undefined }),
      critical,
      failureRate,
      slowCallRate,
      calls,
      nextTrialInMs: nextTrialInMs === undefined ? undefined : Math.ceil(nextTrialInMs),
      lastError: lastError === undefined ? undefined : errorClassOf(lastError),
    },
    needsCalls: state === 'half-open',
  };
}

/** A circuit as plain data; what there is not is null. */
function figuresOf({ state, calls, failures, slowCalls, failureRate, slowCallRate, nextTrialInMs, lastError }: CircuitSnapshot) {
  return {
    state,
    calls,
    failures,
    slowCalls,
    failureRate: failureRate ?? null,
    slowCallRate: slowCallRate ?? null,
    nextTrialInMs: nextTrialInMs === undefined ? null : Math.ceil(nextTrialInMs),
    lastError: lastError === undefined ? null : errorClassOf(lastError),
  };
}

function openKeysOf(breaker: CircuitBreaker): number {
  const snapshotOf = breaker.observer();
  return breaker.observeCircuits().filter((circuit) => circuit.key !== undefined && isOpen(snapshotOf(circuit).state)).length;
}

function snapshotOf(breaker: CircuitBreaker): object {
  const { critical, keyCount, trips, settings } = breaker;
  const { minimumCalls, failureRateThreshold, slowCallRateThreshold, consecutiveFailures = null, usesRates } = settings;
  return {
    ...figuresOf(breaker.snapshot()),
    critical,
    trips,
    opensAt: usesRates ? { failureRateThreshold, slowCallRateThreshold, minimumCalls, consecutiveFailures } : { consecutiveFailures },
    keys: { known: keyCount, open: openKeysOf(breaker) },
  };
}

/** Open ones first. */
function keysOf(breaker: CircuitBreaker, { offset, limit }: Required<KeyPage>): KeyListing {
  const look = breaker.observer();
  const keys = breaker
    .observeCircuits()
    .flatMap((circuit) => (circuit.key === undefined ? [] : [{ key: circuit.key, ...figuresOf(look(circuit)) }]));
  keys.sort((a, b) => severityOf(b.state) - severityOf(a.state));
  return { total: keys.length, keys: keys.slice(offset, offset + limit) };
}

type ByHand = (breaker: CircuitBreaker, key: string | undefined, options: CircuitCommandOptions) => void;

/** The state of a shared one is in its store, which tells all. */
function byHand(meaning: string, run: ByHand): CommandDeclaration<CircuitBreaker> {
  return {
    meaning,
    rules: {},
    keyed: true,
    reachesFleet: (breaker) => breaker.settings.shared,
    run: (breaker, _given, key, scope) => run(breaker, key, { scope }),
  };
}

const commands = {
  reset: {
    ...byHand('Closes it with an empty window; calls in flight do not count.', (breaker, key, options) => breaker.reset(key, options)),
    momentary: true,
  },
  close: { ...byHand('Closes it with an empty window.', (breaker, key, options) => breaker.close(key, options)), momentary: true },
  'force-open': byHand('Lets no call pass until it is closed or reset.', (breaker, key, options) => breaker.forceOpen(key, options)),
  disable: byHand('Lets all calls pass and records nothing.', (breaker, key, options) => breaker.disable(key, options)),
  'metrics-only': byHand('Lets all calls pass and records them.', (breaker, key, options) => breaker.metricsOnly(key, options)),
};

/** What can be seen of a circuit breaker, and done to it. */
export const circuitBreakerInstance = {
  snapshot: snapshotOf,
  health: { group: 'circuitBreakers', rules: healthRules, check: healthOf },
  keys: keysOf,
  commands,
} as const;
