/** `nestjs-bulwark/core`: the engine without Nest. */
export * from './engine/index.js';
export {
  describeDuration,
  parseDuration,
  type Duration,
  type DurationUnit,
  type ErrorClass,
  type ErrorFilter,
  type FailureOptions,
  type Key,
  type StoreFailureMode,
} from './options/index.js';
export type { EnvOptions, ExplainedLayer, Explanation, Order } from './config/index.js';
export type { OperationMetrics, ResilienceMetrics } from './application/operation-metrics.js';
export type { OperationSummary } from './application/operations.js';
export type { CommandRequest } from './application/control-request.js';
export type { CommandScope } from './engine/contract/instance.js';
export type { CommandSummary, InstanceControls, InstanceSummary } from './application/controls.js';
export type { Fleet } from './application/fleet/fleet.js';
export type { FleetCommandProgress, FleetCommandRequest } from './application/fleet/fleet-command.js';
export type { FleetEvent } from './application/fleet/fleet-events.js';
export type { FleetIdentity } from './application/fleet/identity.js';
export type { FleetInstance, FleetReporting } from './application/fleet/roster.js';
export type { InstanceHealth } from './application/health.js';
export type { CollectOptions, HistogramReading, MetricFamily, MetricSeries } from './application/metrics.js';
export * from './policies/bulkhead/public.js';
export * from './policies/circuit-breaker/public.js';
export * from './policies/fallback/public.js';
export * from './policies/rate-limit/public.js';
export * from './policies/retry/public.js';
export * from './policies/timeout/public.js';
export {
  eventGroups,
  eventPatterns,
  eventTypes,
  policies,
  type CounterName,
  type EventOf,
  type EventPattern,
  type EventType,
  type OptionsByKind,
  type OrderPlace,
  type Policy,
  type PolicyChanges,
  type PolicyKindName,
  type PolicyKinds,
  type PolicyOverrides,
  type ResilienceEvent,
  type SinglePolicy,
} from './policies/index.js';
export type { CombinedPolicy, NonePolicy } from './policies/composite.js';
export { profile, standardHttpClient, type ProfileName, type StandardHttpClientOptions } from './application/profiles.js';
export { createResilience, Resilience } from './application/resilience.js';
export type { StoreAvailableEvent, StoreEvent, StoreUnavailableEvent } from './policies/store.telemetry.js';
export type { ResilienceStore } from './policies/shared-store.js';
export { fileStore, type FileStoreOptions } from './application/snapshots/file/file-store.js';
export type { SnapshotStore } from './application/snapshots/snapshot-store.js';
export type { DrainOptions } from './engine/waiting/shutdown.js';
export type { ExecuteOptions, OwnKind, ResilienceOptions, ResilientOperation } from './application/options.js';
