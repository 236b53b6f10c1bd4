import { isObservable, type Observable } from 'rxjs';
import type { Call, Method } from '../call/call.js';
import { buildLayers, type CompiledLayer } from './compile.js';
import type { Environment } from '../environment.js';
import type { ResolvedPolicy } from '../contract/kind.js';
import type { Strategy } from '../contract/strategy.js';
import { runObservable } from '../drivers/observable.js';
import type { OperationCounts } from '../telemetry/operation-counts.js';
import { Pipeline } from './pipeline.js';
import { PromiseDriver } from '../drivers/promise.js';
import type { InstanceSource } from '../state/registry.js';

/** What is given to an operation to be protected. */
export interface OperationInput {
  readonly id: string;
  /** Outermost first. */
  readonly policies: readonly ResolvedPolicy[];
  readonly environment: Environment;
  readonly registry: InstanceSource;
  /**
   * Where the method takes its attempt context: at an argument's position, as its only argument (`'only'`), or nowhere.
   */
  readonly contextAt: number | 'only' | undefined;
  /** A plain value is an error (a decorated method), or an answer (a task). */
  readonly onlyAsync: boolean;
  /** Whether time limits end when an Observable has given this first value: what follows may take as long as it likes. */
  readonly endsLimits?: ((first: unknown) => boolean) | undefined;
  /** What its calls come to, where that is shared with others. */
  readonly counts?: OperationCounts | undefined;
  /** The operation that this is another use of, with functions of its own: state and counts are those of that one. */
  readonly like?: ProtectedOperation | undefined;
}

/**
 * An operation with its policies compiled: calls run through here. What only calls need is made for the first one: most of the
 * methods of an application are not called in its first minutes.
 */
export class ProtectedOperation {
  readonly id: string;
  /** As they were declared. */
  readonly policies: readonly ResolvedPolicy[];
  readonly layers: readonly CompiledLayer[];
  /** Until the first call. */
  private input: OperationInput | undefined;
  private driver: PromiseDriver | undefined;
  readonly endsLimits: ((first: unknown) => boolean) | undefined;
  /** Nothing to do: the method can be called as it is. */
  readonly isPassThrough: boolean;

  /** @throws ResilienceConfigError with all that is wrong, e.g. a name in use with other options. */
  constructor(input: OperationInput) {
    const { id, policies, environment, registry, contextAt, endsLimits, like, counts = like?.pipeline.counts } = input;
    this.input = input;
    this.id = id;
    this.policies = policies;
    this.endsLimits = endsLimits;
    this.layers = buildLayers({ operationId: id, policies, environment, registry, isNew: counts === undefined });
    this.isPassThrough = this.layers.length === 0 && contextAt === undefined;
    if (like !== undefined) this.promises.pipeline.goOnWith(like.pipeline);
  }

  /** The strategies in force, outermost first. */
  get strategies(): readonly Strategy[] {
    return this.driver?.pipeline.layers ?? this.layers.map(({ strategy }) => strategy);
  }

  get pipeline(): Pipeline {
    return this.promises.pipeline;
  }

  private get promises(): PromiseDriver {
    return this.driver ?? this.prepare(this.input!); // it has one of the two
  }

  private prepare({ environment, contextAt, onlyAsync, like, counts = like?.pipeline.counts }: OperationInput): PromiseDriver {
    const invoke = contextAt === undefined ? undefined : contextAt === 'only' ? withContextOnly : withContextAt(contextAt);
    const strategies = this.layers.map(({ strategy }) => strategy);
    const pipeline = new Pipeline(this.id, strategies, environment, invoke, contextAt !== undefined, counts);
    this.input = undefined;
    return (this.driver = new PromiseDriver(pipeline, onlyAsync ? this.plainValue : undefined));
  }

  run(target: unknown, method: Method, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    return this.promises.start(this.promises.take(args.length, args[0], args[1], args), target, method, signal);
  }

  /** A call by a wrapper: up to two arguments as they are, more of them in a list. */
  runFew(
    target: unknown,
    method: Method,
    given: number,
    first: unknown,
    second: unknown,
    list: readonly unknown[] | undefined,
  ): Promise<unknown> {
    return this.promises.start(this.promises.take(given, first, second, list), target, method, undefined);
  }

  /** For a method of which nobody knows what it gives: a promise, or the Observable that it gave, not protected yet. */
  runDetecting(target: unknown, method: Method, args: readonly unknown[], signal: AbortSignal): unknown {
    return this.promises.runDetecting(target, method, args, signal);
  }

  observe(target: unknown, method: Method, args: readonly unknown[], signal?: AbortSignal): Observable<unknown> {
    return runObservable(this, target, method, args, signal);
  }

  readonly plainValue = (value: unknown): Error =>
    new TypeError(
      isObservable(value)
        ? `${this.id} is protected, and returned an Observable, though it is known to return promises: make two methods of it.`
        : `${this.id} is protected, so it must return a Promise or an Observable; it returned ${describe(value)}. Make the method async.`,
    );
}

function describe(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'an array'
      : typeof value === 'object'
        ? 'an object'
        : `a plain value (${typeof value})`;
}

function withContextOnly(call: Call): unknown {
  return call.method.call(call.target, call.newContext() as never);
}

/** The context takes the place of an argument that the caller left undefined. Each attempt has its own. */
function withContextAt(position: number): (call: Call) => unknown {
  return (call) => {
    const args: unknown[] = [...call.args];
    if (args[position] === undefined) {
      while (args.length < position) args.push(undefined);
      args[position] = call.newContext();
    }
    return call.method.apply(call.target, args as never[]);
  };
}
