import type { Environment } from '../engine/environment.js';
import type { Histogram } from '../engine/telemetry/histogram.js';
import { ResilienceConfigError, ResilienceError } from '../engine/error.js';
import type { PermitStore } from './bulkhead/shared/permit-store.js';
import type { StoreFailureMode } from '../options/index.js';
import type { FleetStore } from './fleet-store.js';
import type { CircuitStore } from './circuit-breaker/shared/circuit-store.js';
import type { LimitStore } from './rate-limit/shared/limit-store.js';

/** What holds for all that is shared; durations in milliseconds. */
export interface SharedSettings {
  /** Whose state is shared. */
  readonly group: string;
  /** This process among those of the group. */
  readonly instance: string;
  /** For policies that do not say otherwise. */
  readonly onStoreFailure: StoreFailureMode;
  /** How long a decision of the store is waited for. */
  readonly commandTimeoutMs: number;
  /** How often counts are merged and versions are looked at. */
  readonly propagationMs: number;
  /** How long a crashed holder keeps its permits. */
  readonly leaseMs: number;
  /** How many instances there are where the fleet was never seen. */
  readonly expectedInstances: number;
}

/** Whether the store can be asked. */
export interface StoreAvailability {
  readonly isAvailable: boolean;
  /** It was found that it cannot; false while the application starts. */
  readonly isDegraded: boolean;
  /** Tells of each change; gives what ends it. */
  listen(listener: (isAvailable: boolean) => void): () => void;
}

/** How a request to the store ended: with an answer, with an error of the server's, too late, or without being sent or answered. */
export const STORE_OUTCOMES = ['ok', 'error', 'timeout', 'unavailable'] as const;
export type StoreOutcome = (typeof STORE_OUTCOMES)[number];

/** What was asked of a store. */
export interface StoreCounts {
  /** By what was asked. */
  readonly counts: ReadonlyMap<string, Readonly<Record<StoreOutcome, number>>>;
  /** Of what was answered. */
  readonly durations: Histogram | undefined;
}

/** State that several instances share, opened for one application: a port for each policy, and what belongs to none. */
export interface SharedStore {
  readonly settings: SharedSettings;
  readonly availability: StoreAvailability;
  readonly requests: StoreCounts;
  readonly limits: LimitStore;
  readonly circuits: CircuitStore;
  readonly permits: PermitStore;
  readonly fleet: FleetStore;
  /** Waits until the store can be asked, for a second at most; the application starts in any case. */
  start(): Promise<void>;
  /** What is given back (permits, leases, unused batches) before the connection closes. Gives what takes it off the list. */
  beforeStop(giveBack: () => PromiseLike<unknown>): () => void;
  /** Gives back and closes; takes no longer than two commands may, whatever the server does. */
  stop(): Promise<void>;
}

/** What `createResilience({ store })` takes: `redisStore(...)`, or `memoryStore()` in tests. */
export interface ResilienceStore {
  /** @internal Opens the store for an application. @throws ResilienceConfigError */
  open(environment: Environment): SharedStore;
}

/** The store of an application, where it has one. */
export function sharedStoreOf(environment: Environment): SharedStore | undefined {
  return environment.store as SharedStore | undefined;
}

/**
 * The store that a shared policy needs.
 * @param policy Who asks: `@RateLimit of PaymentsClient.charge`.
 * @throws ResilienceConfigError that says what to import, where there is none.
 */
export function requiredStore(environment: Environment, policy: string): SharedStore {
  const store = sharedStoreOf(environment);
  if (store !== undefined) return store;
  throw new ResilienceConfigError([
    `${policy}: shared needs a store: import ResilienceRedisModule.register({ url, group }) of nestjs-bulwark/redis beside ` +
      'ResilienceModule.forRoot(), or say createResilience({ store: redisStore({ url, group }) }); tests take memoryStore() of nestjs-bulwark/testing',
  ]);
}

/** How many instances share a store, as was known last: what falls to one of them where the store cannot be asked. */
export function instancesOf({ fleet, settings }: Pick<SharedStore, 'fleet' | 'settings'>): number {
  return Math.max(1, fleet.reporting ?? settings.expectedInstances);
}

/** Something that the store was asked for failed: it tells itself of what it cannot answer, and all other errors are told here. */
export function storeFailed(environment: Environment, label: string, error: unknown): void {
  if (!(error instanceof ResilienceError)) environment.callbackFailed(label, undefined, error);
}
