import { Observable, throwError } from 'rxjs';
import { anOperation, aTask, readCall, readListening, readOnce } from './call-options.js';
import { profileOf, settingsFrom, withPresets } from './settings.js';
import { explain, type Explanation, type OperationDeclaration, type Settings } from '../config/index.js';
import type { AttemptContext } from '../engine/call/attempt-context.js';
import { Environment } from '../engine/environment.js';
import type { EventListener } from '../engine/telemetry/events.js';
import { GuardedTracer, type CallTracer } from '../engine/telemetry/tracer.js';
import type { MetricDeclaration } from '../engine/telemetry/metric.js';
import type { DrainOptions } from '../engine/waiting/shutdown.js';
import type { ProtectedOperation } from '../engine/pipeline/protected-operation.js';
import { Registry } from '../engine/state/registry.js';
import { InstanceControls } from './controls.js';
import { Fleet } from './fleet/fleet.js';
import { NamedInstances } from './instances.js';
import { reconfigure } from './reconfigure.js';
import { MetricsReader, UNNAMED, type CollectOptions, type MetricFamily } from './metrics.js';
import { OperationMetricsReader, type OperationMetrics, type ResilienceMetrics } from './operation-metrics.js';
import { Operations, type OperationForm, type OperationSummary } from './operations.js';
import { keepSnapshots } from './snapshots/snapshots.js';
import { TaskOperations } from './task-operations.js';
import type { Bulkhead, BulkheadOptions } from '../policies/bulkhead/index.js';
import type { CircuitBreaker, CircuitBreakerOptions } from '../policies/circuit-breaker/index.js';
import {
  eventsOfAttempts,
  type EventOf,
  type EventPattern,
  type Policy,
  type PolicyChanges,
  type ResilienceEvent,
} from '../policies/index.js';
import type { ExecuteOptions, ResilienceOptions, ResilientOperation } from './options.js';
import { sharedStoreOf } from '../policies/shared-store.js';
import type { RateLimiter, RateLimitOptions } from '../policies/rate-limit/index.js';

/** The resilience of one application: its operations, its named instances, its events. In Nest this is `ResilienceService`. */
export class Resilience {
  /** Everything that happens, as it happens. */
  readonly events$: Observable<ResilienceEvent>;
  /** What policies share by name, whatever its kind: what can be seen of it, and done to it. */
  readonly controls: InstanceControls;
  /** All instances of the application that share a store. */
  readonly fleet: Fleet;
  /** @internal */
  readonly environment: Environment;
  private settings: Settings;
  private readonly registry: Registry;
  private readonly operations: Operations;
  private readonly tasks: TaskOperations;
  private readonly named: NamedInstances;
  private readonly metricsReader: MetricsReader;
  private readonly operationMetrics: OperationMetricsReader;

  /** @throws ResilienceConfigError with every mistake in the options, in `overrides` and in environment variables. */
  constructor(options: ResilienceOptions = {}) {
    this.settings = settingsFrom(options);
    const { stackTraces = profileOf(options)?.stackTraces ?? false } = options;
    this.environment = new Environment({ ...options, stackTraces }, eventsOfAttempts);
    this.environment.store = options.store?.open(this.environment);
    this.registry = new Registry(this.environment);
    this.operations = new Operations(this.registry, this.environment, () => this.settings);
    this.events$ = new Observable((subscriber) => this.environment.events.listen((event) => subscriber.next(event as ResilienceEvent)));
    if (options.onEvent !== undefined) this.environment.events.listen(options.onEvent as EventListener);
    this.named = new NamedInstances(this.registry, this.environment, () => this.settings);
    this.controls = new InstanceControls(this.settings.kinds, this.registry, this.operations, this.environment);
    this.fleet = new Fleet(sharedStoreOf(this.environment), this.controls, this.environment);
    this.metricsReader = new MetricsReader(this.settings.kinds, this.operations, this.registry, this.environment);
    this.operationMetrics = new OperationMetricsReader(this.settings.kinds, this.registry, this.operations);
    this.tasks = new TaskOperations(this.operations);
    keepSnapshots(options.snapshots, this.registry, this.environment, this.settings.kinds);
  }

  /**
   * Runs a task under a policy. Calls of one `name` share state and counts; the functions of the policy (`fallback`, `on`, `key`,
   * ...) are those of this call.
   * @returns A promise that rejects with what the task throws last, or with what a policy answers with (`ResilienceError`); also
   * with a `ResilienceConfigError` where the policy or the options are wrong.
   */
  execute<Result>(
    policy: Policy,
    task: (attempt: AttemptContext) => Result | PromiseLike<Result>,
    options?: ExecuteOptions,
  ): Promise<Result> {
    try {
      const { name, args = [], signal } = readCall('execute', options);
      return this.tasks.operationFor(policy, name).run(undefined, aTask('execute', task), args, signal) as Promise<Result>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The same for a task that gives an Observable; each subscription is a call. What is wrong comes as an error of the Observable. */
  executeObservable<Result>(
    policy: Policy,
    task: (attempt: AttemptContext) => Observable<Result>,
    options?: ExecuteOptions,
  ): Observable<Result> {
    try {
      const { name, args = [], signal } = readCall('executeObservable', options);
      const operation = this.tasks.operationFor(policy, name);
      return operation.observe(undefined, aTask('executeObservable', task), args, signal) as Observable<Result>;
    } catch (error) {
      return throwError(() => error);
    }
  }

  /** Runs an operation that brings its own policy. */
  executeOperation<Result>(operation: ResilientOperation<Result>, options?: Omit<ExecuteOptions, 'name'>): Promise<Result> {
    try {
      const { args = [], signal } = readCall('executeOperation', options);
      const { name } = readCall('executeOperation', { name: anOperation(operation).operationId });
      const compiled = this.tasks.operationFor(operation.resiliencePolicy(), name, operation.isCritical?.() ?? false);
      return compiled.run(operation, aTask('executeOperation', operation.execute), args, signal) as Promise<Result>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Compiles what `execute` uses under a name, so that mistakes show at startup and the name can be listed, overridden and
   * reconfigured before the first call.
   * @throws ResilienceConfigError with every mistake.
   */
  declare(name: string, policy: Policy): void {
    this.tasks.operationFor(policy, readCall('declare', { name }).name);
  }

  /**
   * A function with a policy around it. `this` and the arguments are passed on.
   * @throws ResilienceConfigError with every mistake.
   */
  wrap<Args extends unknown[], Result>(
    policy: Policy,
    fn: (...args: Args) => Result | PromiseLike<Result>,
    options?: Pick<ExecuteOptions, 'name'>,
  ): (...args: Args) => Promise<Result> {
    const { name } = readOnce('wrap', options);
    aTask('wrap', fn);
    if (name === undefined) {
      const unnamed = this.tasks.wrapped(policy, fn.name === '' ? 'anonymous' : fn.name);
      return function (this: unknown, ...args: Args) {
        return unnamed.current().run(this, fn, args) as Promise<Result>;
      };
    }
    const declaration: OperationDeclaration = { id: name, levels: [{ source: 'wrap', policies: [policy] }], decorated: false };
    const operation = this.protect(declaration, { contextAt: undefined, onlyAsync: false });
    return function (this: unknown, ...args: Args) {
      return operation.run(this, fn, args) as Promise<Result>;
    };
  }

  /**
   * The circuit breaker of that name; with options it is made where there is none. Where operators have switched it off, one that
   * lets everything pass (`state` is `disabled`).
   * @throws ResilienceConfigError where there is none and no options are given, or options are wrong or not those of the name.
   */
  circuitBreaker(name: string, options?: CircuitBreakerOptions): CircuitBreaker {
    return this.named.obtain('circuitBreaker', 'circuitBreaker', name, options);
  }

  /** The bulkhead of that name; with options it is made where there is none, as for `circuitBreaker`. */
  bulkhead(name: string, options?: BulkheadOptions): Bulkhead {
    return this.named.obtain('bulkhead', 'bulkhead', name, options);
  }

  /** The rate limiter of that name; with options (`limit` at least) it is made where there is none, as for `circuitBreaker`. */
  rateLimiter(name: string, options?: RateLimitOptions): RateLimiter {
    return this.named.obtain('rateLimit', 'rateLimiter', name, options);
  }

  /** Every circuit breaker that has a name, be it its own or its operation's. */
  circuitBreakers(): readonly CircuitBreaker[] {
    return this.named.all('circuitBreaker');
  }

  /** Every bulkhead that has a name. */
  bulkheads(): readonly Bulkhead[] {
    return this.named.all('bulkhead');
  }

  /** Every rate limiter that has a name. */
  rateLimiters(): readonly RateLimiter[] {
    return this.named.all('rateLimit');
  }

  /** All operations that are known. */
  list(): readonly OperationSummary[] {
    return this.operations.list();
  }

  /** The compiled layers of an operation, outermost first, with the options in force and whose word each was. */
  explain(operationId: string): Explanation {
    const { layers } = this.operations.get(operationId);
    return explain(
      operationId,
      layers.map(({ policy, options }) => ({ policy: this.registry.live(policy), options })),
    );
  }

  /** The counters of one operation, or of all with their total. */
  metrics(): ResilienceMetrics;
  metrics(operationId: string): OperationMetrics;
  metrics(operationId?: string): OperationMetrics | ResilienceMetrics {
    if (operationId === undefined) return this.operationMetrics.all();
    return (
      (operationId === UNNAMED ? this.operationMetrics.unnamed() : undefined) ?? this.operationMetrics.of(this.operations.get(operationId))
    );
  }

  /**
   * All metrics with their series as of now, under the names that Prometheus gives them: what `nestjs-bulwark/prometheus`
   * shows, for who wants them elsewhere. Durations are there once `measure` was called.
   */
  collect(options: CollectOptions = {}): readonly MetricFamily[] {
    return this.metricsReader.list().map(({ name }) => this.metricsReader.read(name, options));
  }

  /** @internal What there is to read, without a reading. */
  metricDeclarations(): readonly MetricDeclaration[] {
    return this.metricsReader.list();
  }

  /** @internal One of them. */
  collectOne(name: string, options: CollectOptions): MetricFamily {
    return this.metricsReader.read(name, options);
  }

  /**
   * Measures the durations of calls from now on, and counts errors by class. Off until somebody asks, as it costs two
   * readings of the clock a call.
   * @param buckets Upper bounds of the histograms' buckets, in seconds; those of whoever asks first count.
   */
  measure(buckets?: readonly number[]): void {
    this.environment.timings.start(buckets);
    this.operations.measure();
  }

  /** @internal Follows every call from now on. */
  trace(tracer: CallTracer): void {
    this.environment.tracer = new GuardedTracer(tracer, this.environment);
    this.operations.trace(this.environment.tracer);
  }

  /**
   * Tells of events of one type, of a policy (`circuit-breaker.*`) or of all (`*`); gives what ends it.
   * @throws ResilienceConfigError for a pattern that means no event, and for what is no function.
   */
  on<Pattern extends EventPattern>(pattern: Pattern, listener: (event: EventOf<Pattern>) => void): () => void {
    return this.environment.events.listen(listener as EventListener, readListening(pattern, listener));
  }

  /**
   * Changes policies by name while calls run, e.g. `reconfigure('payments', { circuitBreaker: { openDuration: '1m' } })`.
   * The name is a policy's own, that of an instance by hand, or an operation's; only the options that are named change. All or
   * nothing; windows and buckets are kept where their shape allows, and no call or permit is lost.
   * @throws ResilienceConfigError with every mistake; then nothing has changed.
   */
  reconfigure(name: string, changes: PolicyChanges): void {
    const { registry, environment, settings } = this;
    reconfigure(name, changes, { kinds: settings.kinds, operations: [...this.operations.all()], registry, environment });
  }

  /** @internal More presets, for operations that are compiled from now on. */
  addPresets(presets: Readonly<Record<string, Policy>>): void {
    this.settings = withPresets(this.settings, presets);
  }

  /** @internal What operators said about policies that do not exist, in sentences. To be asked when all are known. */
  unmatchedOverrides(): readonly string[] {
    return this.settings.adjusters.flatMap((adjuster) => adjuster.unmatched());
  }

  /** Calls that have begun and have no answer yet, those that wait for a permit or for another attempt among them. */
  get inFlight(): number {
    return this.environment.shutdown.inFlight;
  }

  /**
   * From now on nobody begins to wait: a pause ends with the last error, a wait for a permit is rejected with `reason: 'shutdown'`.
   * Who waits already is turned away after `timeout`; calls that run keep every limit. Resolves when none is left, or after that.
   * @throws ResilienceConfigError where `timeout` is no duration.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    return this.environment.shutdown.drain(options);
  }

  /**
   * Waits until the store of shared state can be asked, for a second at most; without it the application starts all the same, and
   * shared policies do what `onStoreFailure` says. Nest does so at its start.
   * @throws ResilienceConfigError where the store is given by URL and no client library is installed.
   */
  async ready(): Promise<void> {
    await sharedStoreOf(this.environment)?.start();
    this.fleet.start();
  }

  /**
   * `drain`, and nobody hears of events any more. Resolves when what is shared has been given back to the store and its connection
   * is closed, which takes a moment also where the store does not answer.
   */
  async close(): Promise<void> {
    const drained = this.drain();
    this.environment.events.close();
    await drained;
    await sharedStoreOf(this.environment)?.stop();
  }

  /** @internal Compiles a declared operation. A name in use gets a number. */
  protect(declaration: OperationDeclaration, form: OperationForm): ProtectedOperation {
    return this.operations.protect(declaration, form);
  }
}

/** The engine without Nest. */
export function createResilience(options: ResilienceOptions = {}): Resilience {
  const resilience = new Resilience(options);
  resilience.ready().catch((error: unknown) => resilience.environment.callbackFailed('the store', undefined, error));
  return resilience;
}
