import { Observable } from 'rxjs';
import { EnvironmentVariables, explain, Overrides, type Explanation, type OperationDeclaration } from './config/index.js';
import { checkSettings, resolve, type Settings } from './config/resolve.js';
import type { AttemptContext } from './engine/attempt-context.js';
import { Environment } from './engine/environment.js';
import { ResilienceConfigError } from './engine/error.js';
import { meets, type EventListener } from './engine/telemetry/events.js';
import type { CallTracer } from './engine/telemetry/call-watch.js';
import type { MetricDeclaration } from './engine/telemetry/metric.js';
import { ProtectedOperation, type OperationInput } from './engine/protected-operation.js';
import type { DrainOptions } from './engine/waiting/shutdown.js';
import { alike, Registry } from './engine/registry.js';
import { NamedInstances } from './instances.js';
import { reconfigure } from './reconfiguration.js';
import { Observation, type CollectOptions, type MetricFamily } from './observation.js';
import { readMetrics, type OperationMetrics, type OperationSummary, type ResilienceMetrics } from './operation-metrics.js';
import { TaskBook } from './tasks.js';
import { Problems, suggestion } from './options/index.js';
import type { Bulkhead, BulkheadOptions } from './policies/bulkhead/index.js';
import type { CircuitBreaker, CircuitBreakerOptions } from './policies/circuit-breaker/index.js';
import {
  eventsOfAttempts,
  kindTable,
  type EventOf,
  type EventPattern,
  type Policy,
  type PolicyChanges,
  type ResilienceEvent,
} from './policies/index.js';
import type { ExecuteOptions, ResilienceOptions, ResilientOperation } from './resilience-options.js';
import type { RateLimiter, RateLimitOptions } from './policies/rate-limit/index.js';

/** How many operations one application may have; more are a mistake (a name made from a request). */
const MOST_OPERATIONS = 10_000;

/**
 * The resilience of one application: its operations, its named instances, its events. In Nest this is `ResilienceService`.
 */
export class Resilience {
  /** Everything that happens, as it happens. */
  readonly events$: Observable<ResilienceEvent>;
  /** @internal */
  readonly environment: Environment;
  private settings: Settings;
  private readonly registry = new Registry();
  private readonly operations = new Map<string, ProtectedOperation>();
  private readonly tasks: TaskBook;
  private readonly named: NamedInstances;
  private readonly observation: Observation;

  /** @throws ResilienceConfigError with every mistake in the options. */
  constructor(options: ResilienceOptions = {}) {
    this.environment = new Environment(options, eventsOfAttempts);
    const problems = new Problems();
    const { env = false } = options;
    const variables = env === false ? undefined : new EnvironmentVariables(env === true ? {} : env);
    const overrides = new Overrides(options.overrides ?? {}, kindTable, problems);
    this.settings = {
      kinds: kindTable,
      enabled: variables?.enabled(problems) ?? options.enabled ?? true,
      adjusters: variables === undefined ? [overrides] : [overrides, variables],
      defaults: (options.defaults ?? {}) as Settings['defaults'],
      presets: options.presets ?? {},
      order: options.order,
    };
    checkSettings(this.settings, problems);
    if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
    this.events$ = new Observable((subscriber) => this.environment.events.listen((event) => subscriber.next(event as ResilienceEvent)));
    if (options.onEvent !== undefined) this.environment.events.listen(options.onEvent as EventListener);
    this.named = new NamedInstances(this.registry, this.environment, this.settings);
    this.observation = new Observation(kindTable, this.operations, this.registry);
    this.tasks = new TaskBook((declaration, isPrivate) => this.protect(declaration, { contextAt: 'only', onlyAsync: false }, isPrivate));
  }

  /**
   * Runs a task under a policy.
   * @throws what the task throws last, or what a policy answers with (`ResilienceError`).
   */
  execute<Result>(
    policy: Policy,
    task: (attempt: AttemptContext) => Result | PromiseLike<Result>,
    options: ExecuteOptions = {},
  ): Promise<Result> {
    const operation = this.tasks.operationFor(policy, options.name);
    return operation.run(undefined, task, options.args ?? [], options.signal) as Promise<Result>;
  }

  /** The same for a task that gives an Observable; each subscription is a call. */
  executeObservable<Result>(
    policy: Policy,
    task: (attempt: AttemptContext) => Observable<Result>,
    options: ExecuteOptions = {},
  ): Observable<Result> {
    const operation = this.tasks.operationFor(policy, options.name);
    return operation.observe(undefined, task, options.args ?? [], options.signal) as Observable<Result>;
  }

  /** Runs an operation that brings its own policy. */
  executeOperation<Result>(operation: ResilientOperation<Result>, options: Omit<ExecuteOptions, 'name'> = {}): Promise<Result> {
    const compiled = this.tasks.operationFor(operation.resiliencePolicy(), operation.operationId, operation.isCritical?.() ?? false);
    return compiled.run(operation, operation.execute, options.args ?? [], options.signal) as Promise<Result>;
  }

  /** A function with a policy around it. `this` and the arguments are passed on. */
  wrap<Args extends unknown[], Result>(
    policy: Policy,
    fn: (...args: Args) => Result | PromiseLike<Result>,
    options: Pick<ExecuteOptions, 'name'> = {},
  ): (...args: Args) => Promise<Result> {
    const id = options.name ?? (fn.name === '' ? 'anonymous' : fn.name);
    const declaration: OperationDeclaration = { id, levels: [{ source: 'wrap', policies: [policy] }], decorated: false };
    const operation = this.protect(declaration, { contextAt: undefined, onlyAsync: false }, options.name === undefined);
    return function (this: unknown, ...args: Args) {
      return operation.run(this, fn, args) as Promise<Result>;
    };
  }

  /** The circuit breaker of that name; made where there is none. */
  circuitBreaker(name: string, options?: CircuitBreakerOptions): CircuitBreaker {
    return this.named.circuitBreaker(name, options);
  }

  /** The bulkhead of that name; made where there is none. */
  bulkhead(name: string, options?: BulkheadOptions): Bulkhead {
    return this.named.bulkhead(name, options);
  }

  /** The rate limiter of that name; made where there is none, for which `limit` is needed. */
  rateLimiter(name: string, options?: RateLimitOptions): RateLimiter {
    return this.named.rateLimiter(name, options);
  }

  /** Every circuit breaker that has a name, be it its own or its operation's. */
  circuitBreakers(): readonly CircuitBreaker[] {
    return this.named.circuitBreakers();
  }

  /** Every bulkhead that has a name. */
  bulkheads(): readonly Bulkhead[] {
    return this.named.bulkheads();
  }

  /** Every rate limiter that has a name. */
  rateLimiters(): readonly RateLimiter[] {
    return this.named.rateLimiters();
  }

  /** All operations that are known. */
  list(): readonly OperationSummary[] {
    return [...this.operations.values()].map(({ id, pipeline }) => ({
      operationId: id,
      policies: pipeline.layers.map(({ kind, name }) => ({ kind, name })),
    }));
  }

  /** What protects an operation, outermost first, and whose word each option was. */
  explain(operationId: string): Explanation {
    return explain(operationId, this.operation(operationId).policies);
  }

  /** The counters of one operation, or of all with their total. */
  metrics(): ResilienceMetrics;
  metrics(operationId: string): OperationMetrics;
  metrics(operationId?: string): OperationMetrics | ResilienceMetrics {
    if (operationId !== undefined) return readMetrics([this.operation(operationId)], kindTable);
    const all = [...this.operations.values()];
    return {
      total: readMetrics(all, kindTable),
      byOperation: Object.fromEntries(all.map((operation) => [operation.id, readMetrics([operation], kindTable)])),
    };
  }

  /**
   * All metrics with their series as of now, under the names that Prometheus gives them: what `nestjs-bulwark/prometheus`
   * shows, for who wants them elsewhere. Durations are there once `measure` was called.
   */
  collect(options: CollectOptions = {}): readonly MetricFamily[] {
    return this.observation.list().map(({ name }) => this.observation.read(name, options));
  }

  /** @internal What there is to read, without a reading. */
  metricDeclarations(): readonly MetricDeclaration[] {
    return this.observation.list();
  }

  /** @internal One of them. */
  collectOne(name: string, options: CollectOptions): MetricFamily {
    return this.observation.read(name, options);
  }

  /**
   * Measures the durations of calls from now on, and counts errors by class. Off until somebody asks, as it costs two
   * readings of the clock a call.
   * @param buckets Upper bounds of the histograms' buckets, in seconds; those of whoever asks first count.
   */
  measure(buckets?: readonly number[]): void {
    this.environment.timings.start(buckets);
    for (const { pipeline } of this.operations.values()) pipeline.measure();
    for (const { instance } of this.registry.list()) (instance as { measure?(): void } | undefined)?.measure?.();
  }

  /** @internal Follows every call from now on. */
  trace(tracer: CallTracer): void {
    this.environment.tracer = tracer;
    for (const { pipeline } of this.operations.values()) pipeline.trace(tracer);
  }

  /** Tells of events of one type, of a policy (`circuit-breaker.*`) or of all (`*`); gives what ends it. */
  on<Pattern extends EventPattern>(pattern: Pattern, listener: (event: EventOf<Pattern>) => void): () => void {
    return this.environment.events.listen(listener as EventListener, { wants: (type) => meets(pattern, type) });
  }

  /**
   * Changes policies by name while calls run, e.g. `reconfigure('payments', { circuitBreaker: { openDuration: '1m' } })`.
   * All or nothing; windows and buckets are kept where their shape allows, and no call or permit is lost.
   * @throws ResilienceConfigError with every mistake; then nothing has changed.
   */
  reconfigure(name: string, changes: PolicyChanges): void {
    const { registry, environment } = this;
    reconfigure(name, changes, { kinds: kindTable, operations: [...this.operations.values()], registry, environment });
  }

  /** @internal More presets, for operations that are compiled from now on. */
  addPresets(presets: Readonly<Record<string, Policy>>): void {
    const problems = new Problems();
    const before = this.settings.presets;
    for (const [name, policy] of Object.entries(presets)) {
      if (Object.hasOwn(before, name) && !alike(before[name], policy))
        problems.add(`preset "${name}" is there already, with another policy`);
    }
    const settings = { ...this.settings, presets: { ...before, ...presets } };
    checkSettings(settings, problems);
    if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
    this.settings = settings;
  }

  /** @internal What operators said about policies that do not exist, in sentences. To be asked when all are known. */
  unmetAdjustments(): readonly string[] {
    return this.settings.adjusters.flatMap((adjuster) => adjuster.unmet());
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

  /** `drain`, and nobody hears of events any more. */
  close(): void {
    void this.drain();
    this.environment.events.close();
  }

  /** @internal Compiles a declared operation. A name in use gets a number. */
  protect(
    declaration: OperationDeclaration,
    form: Pick<OperationInput, 'contextAt' | 'onlyAsync' | 'endsLimits'>,
    isPrivate = false,
  ): ProtectedOperation {
    if (!isPrivate && this.operations.size >= MOST_OPERATIONS) {
      throw new ResilienceConfigError([
        `${declaration.id}: more than ${MOST_OPERATIONS} operations; use the option key for state by tenant or request`,
      ]);
    }
    const id = isPrivate ? declaration.id : this.freeId(declaration.id);
    const policies = resolve({ ...declaration, id }, this.settings);
    const registry = isPrivate ? this.registry.privateTo(id) : this.registry;
    const operation = new ProtectedOperation({ id, policies, environment: this.environment, registry, ...form });
    if (!isPrivate) this.operations.set(id, operation);
    return operation;
  }

  private freeId(id: string): string {
    if (!this.operations.has(id)) return id;
    let number = 2;
    while (this.operations.has(`${id}#${number}`)) number++;
    this.environment.logger.warn(`two operations are called ${id}; the second one is shown as ${id}#${number}`);
    return `${id}#${number}`;
  }

  private operation(operationId: string): ProtectedOperation {
    const operation = this.operations.get(operationId);
    if (operation !== undefined) return operation;
    throw new ResilienceConfigError([`there is no operation "${operationId}"${suggestion(operationId, this.operations.keys())}`]);
  }
}

/** The engine without Nest. */
export function createResilience(options: ResilienceOptions = {}): Resilience {
  return new Resilience(options);
}
